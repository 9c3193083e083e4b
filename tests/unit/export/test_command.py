"""``export.py``: what it writes draws what the run draws, with this project and without it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from door import train
from PIL import Image
from verbs import done
from verbs import refused as refused_by

import gan_lightning
from gan_lightning import networks
from gan_lightning.errors import UserError
from gan_lightning.export import command as export_verb
from gan_lightning.export import programs
from gan_lightning.export.command import main
from gan_lightning.generate.command import main as generate
from gan_lightning.networks import Generator
from gan_lightning.runs.loading import stored_at

BLOCK = """
import sys
for name in ("gan_lightning", "lightning", "hydra", "PIL"):
    sys.modules[name] = None  # importing it fails
"""
GENERATORS = [
    network
    for network in (getattr(networks, name) for name in networks.__all__)
    if isinstance(network, type) and issubclass(network, Generator) and network is not Generator
]
needs_onnx = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("onnxruntime", "onnxscript")), reason="needs gan-lightning[export]"
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "run"
    train("trainer.max_steps=3 loss=hinge prior=uniform", folder)
    return folder


@pytest.fixture(scope="module")
def conditional(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "conditional"
    train("trainer.max_steps=3 conditioning=projection", folder)
    return folder


@pytest.fixture(scope="module")
def exported(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "exported"
    assert f"exported to {folder}" in done(main, f"{run} to={folder} license=apache-2.0")
    return folder


@pytest.fixture(scope="module")
def exported_conditional(conditional: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "exported_conditional"
    done(main, f"{conditional} to={folder}")
    return folder


def refused(line: str) -> str:
    return refused_by(main, line)


def alone(code: str, folder: Path) -> str:
    """What a fresh interpreter prints that has torch and none of this project."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", BLOCK + code]
    finished = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def config_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "config.json").read_text())


def test_what_an_export_holds(exported: Path) -> None:
    files = ["README.md", "config.json", "generator.pt2", "generator.safetensors", "sample.py", "samples.png"]
    assert sorted(path.name for path in exported.iterdir()) == files
    assert Image.open(exported / "samples.png").size == (8 * 30 + 2, 8 * 30 + 2)


def test_the_configuration_says_how_to_draw(exported: Path, run: Path) -> None:
    config = config_of(exported)
    assert config["generator"]["_target_"] == "gan_lightning.networks.DeepDCGANGenerator"
    assert config["prior"]["_target_"] == "gan_lightning.games.priors.Uniform"
    expected = {"latent_dim": 16, "num_classes": 0, "channels": 1, "resolution": 28, "range": [-1, 1]}
    assert {name: config[name] for name in expected} == expected
    assert config["weights"] == "averaged"
    assert config["sha256"] == stored_at(run).trained().sha256()
    assert config["differences"].keys() == {"safetensors", "torch"}
    assert all(0 <= difference < 1e-5 for difference in config["differences"].values())


def test_the_weights_make_the_round_trip(exported: Path, run: Path) -> None:
    theirs, ours = gan_lightning.load(exported), gan_lightning.load(run)
    assert not theirs.training
    assert all(torch.equal(value, ours.state_dict()[name]) for name, value in theirs.state_dict().items())
    z = torch.randn(5, 16)
    assert torch.equal(theirs(z), ours(z))


def test_raw_weights(run: Path, tmp_path: Path, exported: Path) -> None:
    done(main, f"{run} to={tmp_path / 'raw'} raw=true formats=[]")
    assert config_of(tmp_path / "raw")["weights"] == "raw"
    assert gan_lightning.load(tmp_path / "raw", averaged=False).state_dict().keys()
    with pytest.raises(UserError, match="holds the averaged weights alone"):
        gan_lightning.load(exported, averaged=False)


@pytest.mark.parametrize("which", ["exported", pytest.param("exported_conditional", marks=pytest.mark.slow)])
def test_torch_alone_draws_the_same(which: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """In a fresh process without this project, by the script beside the program and by the lines of the card."""
    folder = request.getfixturevalue(which)
    _, card = (part.partition("```")[0] for part in (folder / "README.md").read_text().split("```python\n")[1:])
    script = f"""
import runpy
sys.argv = ["sample.py", "--seeds", "2-9", "--to", {str(tmp_path / "alone")!r}]
runpy.run_path("sample.py", run_name="__main__")
"""
    printed = alone(f"{script}{card}print(list(pixels.shape), pixels.dtype)", folder)
    assert printed == f"8 images in {tmp_path / 'alone'}\n[16, 1, 28, 28] torch.uint8\n"
    done(generate, f"{folder} seeds=2-9 to={tmp_path / 'ours'} device=cpu threads=1")
    for file in (tmp_path / "alone").iterdir():
        (ours,) = (tmp_path / "ours").glob(f"{file.stem}*.png")
        theirs = np.asarray(Image.open(file)).astype(int)
        assert theirs.shape == (28, 28)
        assert np.abs(theirs - np.asarray(Image.open(ours)).astype(int)).max() <= 1


def test_the_program_takes_batches_of_any_size(exported_conditional: Path, conditional: Path) -> None:
    program = torch.export.load(exported_conditional / "generator.pt2").module()
    generator = gan_lightning.load(conditional)
    for size in (1, 2, 33):
        z, y = torch.randn(size, 16), torch.arange(size) % 10
        torch.testing.assert_close(program(z, y), generator(z, y), atol=1e-5, rtol=0)


@needs_onnx
@pytest.mark.parametrize("which", ["run", pytest.param("conditional", marks=pytest.mark.slow)])
def test_onnx(which: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    import onnxruntime

    source = request.getfixturevalue(which)
    assert "onnx: largest difference" in done(main, f"{source} to={tmp_path / 'new'} formats=[onnx]")
    assert not (tmp_path / "new" / "sample.py").exists()
    session = onnxruntime.InferenceSession(tmp_path / "new" / "generator.onnx", providers=["CPUExecutionProvider"])
    generator = gan_lightning.load(source)
    for size in (1, 5):
        inputs = {"z": torch.randn(size, generator.latent_dim)} | (
            {"y": torch.arange(size)} if generator.num_classes else {}
        )
        (images,) = session.run(["images"], {name: value.numpy() for name, value in inputs.items()})
        torch.testing.assert_close(torch.from_numpy(images), generator(*inputs.values()), atol=1e-5, rtol=0)


def test_without_its_packages_onnx_names_them(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    says = refused(f"{run} to={tmp_path / 'new'} formats=[onnx]")
    assert "pip install 'gan-lightning[export]'" in says
    assert not list(tmp_path.iterdir())


def test_a_file_that_draws_something_else_is_not_kept(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(generator: Any, inputs: Any, interface: Any, folder: Path) -> Any:
        (folder / "wrong.bin").touch()
        return lambda z: generator(z) + 0.01

    monkeypatch.setitem(programs.FORMATS, "torch", wrong)
    says = refused(f"{run} to={tmp_path / 'new'}")
    assert "torch draws other images: 0.01 off, but only 0.0001 is accepted. Not exported." in says
    assert not list(tmp_path.iterdir())
    assert export_verb.BORNE == 1e-4


def test_more_is_borne_of_a_generator_that_rounds_more(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four times what its own images move in batches of one: here by 0.001."""
    monkeypatch.setattr(export_verb, "one_by_one", lambda generator: lambda z: generator(z) + 0.001)
    monkeypatch.setitem(programs.FORMATS, "torch", lambda generator, *_: lambda z: generator(z) + 0.003)
    assert "torch: largest difference 0.003" in done(main, f"{run} to={tmp_path / 'new'}")
    monkeypatch.setitem(programs.FORMATS, "torch", lambda generator, *_: lambda z: generator(z) + 0.005)
    assert "0.005 off, but only 0.004 is accepted" in refused(f"{run} to={tmp_path / 'other'}")


def test_a_batch_one_by_one() -> None:
    class Doubled(torch.nn.Module):
        def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            assert len(z) == 1
            return 2 * z + y

    z, y = torch.randn(3, 2), torch.ones(3, 1)
    assert torch.equal(programs.one_by_one(Doubled())(z, y), 2 * z + y)


@pytest.mark.slow
@pytest.mark.parametrize("network", GENERATORS, ids=lambda network: network.__name__)
def test_every_generator_can_be_traced(network: type[Generator]) -> None:
    """For batches of any size; ``len(x)`` in a network would fix the size for ever."""
    conditioning = network.CONDITIONINGS[-1]
    generator = network(channels=3, resolution=32, num_classes=4, conditioning=conditioning)  # type: ignore[call-arg]
    generator.eval().requires_grad_(False)
    batches = [(torch.randn(size, generator.latent_dim), torch.arange(size) % 4) for size in (2, 1, 5)]
    program = programs.traced(generator, batches[0], programs.drawing(batches[0])).module()
    assert programs.largest_difference(generator, program, batches) < 1e-5


def test_a_network_that_cannot_be_traced(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def asks(self: Any, z: torch.Tensor, y: Any = None) -> torch.Tensor:
        return self.layers(z) if float(z.sum()) > 0 else -self.layers(z)

    monkeypatch.setattr("gan_lightning.networks.DCGANGenerator.forward", asks)
    says = refused(f"{run} to={tmp_path / 'new'}")
    assert "DCGANGenerator can't be traced" in says
    assert not list(tmp_path.iterdir())


def test_the_model_card(exported: Path) -> None:
    card = (exported / "README.md").read_text()
    _, front, text = card.split("---\n", 2)
    lines = front.splitlines()
    for line in ("library_name: gan-lightning", "pipeline_tag: unconditional-image-generation", "license: apache-2.0"):
        assert line in lines
    assert "![64 samples](samples.png)" in text
    assert "# DeepDCGAN on Digits" in text
    assert "python train.py data.batch_size=8" in text
    assert "loss=hinge" in text
    assert "| loss | Hinge(" in text
    assert "| seen in training | 24 real images |" in text
    assert "Not measured." in text


@pytest.mark.parametrize("which", ["exported", "exported_conditional"])
def test_the_cards_first_program_runs(which: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(which)
    program = (folder / "README.md").read_text().split("```python\n")[1].partition("```")[0]
    namespace: dict[str, Any] = {}
    exec(program.replace("FOLDER", str(folder)), namespace)
    assert namespace["pixels"].shape == (16, 1, 28, 28)
    assert namespace["pixels"].dtype == torch.uint8


def test_a_configuration_puts_no_html_and_no_links_into_the_card(run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(run, tmp_path / "run")
    stored = torch.load(copy / "checkpoints" / "last.ckpt", weights_only=True)
    evil = "<img src=x onerror=alert(1)> [here](http://evil) `**\n# head | \x1b[31m"
    stored["config"]["data"]["_target_"] = f"a.{evil}"
    stored["config"]["model"]["note"] = evil
    torch.save(stored, copy / "checkpoints" / "last.ckpt")
    (copy / "attempts" / "0" / "overrides.txt").write_text("x=```\n```\n<b>\x1b[31m")
    done(main, f"{copy} formats=[]")
    card = (copy / "export" / "README.md").read_text()
    outside, fenced = "".join(card.split("````")[::2]), card.split("````bash\n")[1].partition("\n````\n")[0]
    assert "<" not in outside.replace("<b>", "")
    assert "](" not in outside.replace("![64 samples](samples.png)", "")
    assert not any(line.startswith("# head") for line in card.splitlines())
    assert fenced == "python train.py x=``` ``` <b> [31m"
    assert "\x1b" not in card


def test_the_card_keeps_private_what_is(run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(run, tmp_path / "run")
    (copy / "attempts" / "0" / "overrides.txt").write_text("data=mnist\ndata.data_dir=/home/me/data\nseed=3\n")
    done(main, f"{copy} formats=[]")
    card = (copy / "export" / "README.md").read_text()
    assert "python train.py data=mnist seed=3\n" in card
    assert "/home/me" not in card
    assert str(tmp_path) not in card
    assert "license: unknown" in card


def test_the_card_shows_measurements_of_these_weights(run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(run, tmp_path / "run")
    protocol = {"extractor": "digits", "extractor_hash": "abc", "n_fake": 1000, "n_real": 60000, "data": "Digits"}
    protocol |= {"split": "train", "data_hash": "0a1b", "generator": "averaged"}

    def record(name: str, value: float, iteration: int, **changes: Any) -> str:
        common = {"v": 1, "iteration": iteration, "images": 8 * iteration, "seconds": 1.0, "name": name, "value": value}
        return json.dumps({**common, "protocol": protocol | changes}) + "\n"

    with (copy / "metrics.jsonl").open("a") as file:
        file.write(record("quality/averaged/fid", 30.0, 1) + record("quality/averaged/fid", 25.5, 3))
        file.write(record("quality/raw/fid", 99.0, 3, generator="raw") + record("quality/averaged/fid", 5.0, 4))
    (copy / "evaluations.jsonl").write_text(
        record("kid", 0.0123, 3)
        + record("kid_error", 0.002, 3)
        + record("share/7", 0.1, 3)
        + record("kid", 0.0456, 3, split="test")
        + record("fid", 31.5, 3, data_hash="2c3d")
        + record("fid", 20.5, 3)
        + record("kid", 0.7, 2)
    )
    done(main, f"{copy} formats=[]")
    card = (copy / "export" / "README.md").read_text()
    by_train, of_others, by_test = (  # the newest first
        card.partition("## How good it is")[2].split("1,000 images against 60,000 of Digits ")[1:]
    )
    assert by_train.startswith("(train, 0a1b), by the features of digits (abc):\n\n| metric | value |")
    assert of_others.startswith("(train, 2c3d)")
    assert "| fid | 31.5 |" in of_others
    assert "| fid | 20.5 |" in by_train
    assert "| kid | 0.0123 ± 0.002 |" in by_train
    assert by_test.startswith("(test, 0a1b)")
    assert "| kid | 0.0456 |" in by_test  # another protocol's error is not its own
    assert "0.7" not in card.partition("## How good it is")[2].partition("## Licence")[0]
    assert all(word not in card for word in ("| 99 |", "| 5 |", "share/7", "Not measured"))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("formats=[onx]", "there is no 'onx'. Did you mean onnx? Choices: torch, onnx."),
        ("fromats=[onnx]", "There is no option 'fromats'. Did you mean formats?"),
        ("formats=onnx", "a list is needed"),
        ("license='my own'", "write it as the hub does"),
        ("checkpoint=best", "best.ckpt is missing"),
    ],
)
def test_mistakes_write_nothing(line: str, says: str, run: Path, tmp_path: Path) -> None:
    assert says in refused(f"{run} to={tmp_path / 'new'} {line}")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_exported(exported: Path, run: Path, tmp_path: Path) -> None:
    assert "is an export already" in refused(f"{exported} to={tmp_path / 'new'}")
    assert "last.ckpt is missing" in refused(str(tmp_path))
    assert "holds files already" in refused(f"{run} to={exported}")


def test_damaged_exports(exported: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(exported, tmp_path / "copy")
    weights = copy / "generator.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:5000])
    with pytest.raises(UserError, match="is damaged"):
        gan_lightning.load(copy)
    weights.unlink()
    with pytest.raises(UserError, match=r"generator\.safetensors is missing"):
        gan_lightning.load(copy)
    weights.write_bytes(whole)
    config = config_of(copy)
    (copy / "config.json").write_text(json.dumps({**config, "format": 9}))
    with pytest.raises(UserError, match="has format 9, but this release reads up to 2"):
        gan_lightning.load(copy)
    (copy / "config.json").write_text(json.dumps({"library": "other"}))
    with pytest.raises(UserError, match=r"was not written by export\.py"):
        gan_lightning.load(copy)


def test_a_strangers_export_builds_nothing(exported: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(exported, tmp_path / "copy")
    evil = {"_target_": "os.mkdir", "path": str(tmp_path / "PWNED")}
    (copy / "config.json").write_text(json.dumps({**config_of(copy), "generator": evil}))
    with pytest.raises(UserError, match="is not built unasked"):
        gan_lightning.load(copy)
    assert not (tmp_path / "PWNED").exists()


def test_weights_are_as_safetensors_has_them(exported: Path, run: Path) -> None:
    theirs = safetensors.torch.load_file(exported / "generator.safetensors")
    assert theirs.keys() == gan_lightning.load(run).state_dict().keys()
    assert (exported / "generator.safetensors").stat().st_mode & 0o044  # for others to read
