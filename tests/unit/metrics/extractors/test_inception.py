"""The wiring to torch-fidelity's Inception, with random weights: the published ones can't be had offline."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from gan_lightning.errors import UserError
from gan_lightning.metrics.extractors import InceptionExtractor
from gan_lightning.metrics.extractors.inception import FILE, SHA256, URL, downloaded

port = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3", reason="needs gan-lightning[inception]")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of the right shape: the network as PyTorch initialises it."""
    path = tmp_path_factory.mktemp("inception") / "random.pth"
    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(port.FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        torch.save({}, path)
        network = port.FeatureExtractorInceptionV3("random", ["2048"], path)
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def extractor(weights: Path) -> InceptionExtractor:
    return InceptionExtractor(weights=str(weights), sha256=hashlib.sha256(weights.read_bytes()).hexdigest()[:8])


def test_features_and_probabilities_are_those_of_the_port(weights: Path, extractor: InceptionExtractor) -> None:
    assert (extractor.name, extractor.num_features) == ("inception", 2048)
    images = torch.randint(256, (2, 3, 40, 32), dtype=torch.uint8)
    found = extractor(images)
    network = port.FeatureExtractorInceptionV3("reference", ["2048", "logits_unbiased"], weights)
    features, logits = network(images)
    torch.testing.assert_close(found.features, features)
    torch.testing.assert_close(found.class_probabilities, logits.softmax(1))
    assert found.class_probabilities.shape == (2, 1008)

    grey = images[:1, :1]
    torch.testing.assert_close(extractor(grey).features, extractor(grey.repeat(1, 3, 1, 1)).features)


def test_the_hash_is_checked_by_its_beginning(weights: Path) -> None:
    found = hashlib.sha256(weights.read_bytes()).hexdigest()
    with pytest.raises(UserError, match=f"begins with {found[:8]} and not with {SHA256}"):
        InceptionExtractor(weights=str(weights))


def test_the_name_of_the_published_file_carries_its_hash() -> None:
    assert FILE.removesuffix(".pth").endswith(f"-{SHA256}")
    assert URL.endswith(FILE)
    assert URL == port.URL_INCEPTION_V3


def test_a_download_is_checked_and_kept_where_torch_hub_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = []

    def fetch(url: str, to: str, hash_prefix: str) -> None:
        fetched.append((url, hash_prefix))
        Path(to).write_bytes(b"weights")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    assert downloaded() == downloaded() == tmp_path / "hub" / "checkpoints" / FILE
    assert fetched == [(URL, SHA256)]


def test_without_network_it_says_what_to_put_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(UserError) as caught:
        InceptionExtractor()
    message = str(caught.value)
    assert str(tmp_path / "hub" / "checkpoints" / FILE) in message
    assert URL in message
    assert "\n" not in message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent\.pth"):
        InceptionExtractor(weights=str(tmp_path / "absent.pth"))


class Bomb:
    def __reduce__(self) -> Any:
        return os.mkdir, (os.environ["BOMB"],)


def test_a_pickle_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOMB", str(tmp_path / "ran"))
    torch.save(Bomb(), tmp_path / "bomb.pth")
    with pytest.raises(UserError, match="no weights that are safe to read"):
        InceptionExtractor(weights=str(tmp_path / "bomb.pth"), sha256=None)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04torn"])
def test_a_damaged_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "torn.pth").write_bytes(content)
    with pytest.raises(UserError, match=r"torn\.pth holds no weights"):
        InceptionExtractor(weights=str(tmp_path / "torn.pth"), sha256=None)


def test_another_networks_weights_are_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(UserError, match=r"other\.pth holds the weights of another network"):
        InceptionExtractor(weights=str(tmp_path / "other.pth"), sha256=None)


def test_without_torch_fidelity_it_says_what_to_install(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(UserError, match=r"gan-lightning\[inception\]"):
        InceptionExtractor(weights=str(weights), sha256=None)
