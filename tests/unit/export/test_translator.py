"""Generators from images to images as files for others: the same pictures at any size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import door
import numpy as np
import pytest
import torch
from PIL import Image
from verbs import done, refused

import gan_lightning
from gan_lightning.export.command import main
from gan_lightning.generate.command import main as generate

OPTIONS = "data.batch_size=4 trainer.accelerator=cpu logger=[] threads=1 callbacks.samples.count=4 trainer.max_steps=2"
RUNS = {
    "generator": f"model=pix2pix data=colours model.generator.width=4 {OPTIONS}",
    "b2a": f"model=cyclegan data=styles model.a2b.width=4 model.a2b.blocks=1 {OPTIONS}",
}


@pytest.fixture(scope="module", params=sorted(RUNS))
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, Path]:
    """The name of a generator, its run and its export."""
    run = tmp_path_factory.mktemp("run") / "run"
    answer = door.call(RUNS[request.param], run)
    assert answer.status == 0, answer.err
    out = done(main, f"{run} direction={request.param} formats=[torch,onnx]")
    assert out.count("largest difference") == 3
    return request.param, run, run / "export"


def test_its_programs_make_the_same_pictures_at_three_sizes(exported: tuple[str, Path, Path]) -> None:
    import onnxruntime

    name, run, folder = exported
    network = gan_lightning.load(run, name=name)
    graph = torch.export.load(folder / "generator.pt2").module()
    session = onnxruntime.InferenceSession(folder / "generator.onnx", providers=["CPUExecutionProvider"])
    for shape in ((1, 1, 8, 36), (2, 1, 64, 12), (1, 1, 100, 200)):
        images = torch.rand(shape) * 2 - 1
        expected = network(images)
        assert expected.shape[2:] == shape[2:]
        assert torch.allclose(graph(images), expected, atol=1e-4)
        (onnx,) = session.run(["translated"], {"images": images.numpy()})
        assert np.abs(onnx - expected.numpy()).max() < 1e-4
        assert torch.equal(gan_lightning.load(folder)(images), expected)


def test_its_program_maps_a_file_to_a_file_as_generate_does(exported: tuple[str, Path, Path], tmp_path: Path) -> None:
    """In an interpreter that finds nothing of this project."""
    name, run, folder = exported
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.random.default_rng(0).integers(0, 256, (21, 13, 4), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    words = [sys.executable, "-P", str(folder / "translate.py"), str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    subprocess.run(words, check=True, cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"})
    for source, where in ((run, "run"), (folder, "export")):
        done(generate, f"{source} direction={name} from={tmp_path / 'a.png'} to={tmp_path / where} grid=false")
        ours, theirs = (np.asarray(Image.open(path)) for path in (tmp_path / where / "a.png", tmp_path / "b.png"))
        assert ours.shape[:2] == (13, 21)
        assert np.abs(ours.astype(int) - theirs.astype(int)).max() <= 1


def test_its_folder_says_what_it_is(exported: tuple[str, Path, Path]) -> None:
    name, run, folder = exported
    config = json.loads((folder / "config.json").read_text())
    assert (config["name"], config["in_channels"], config["multiple_of"], config["prior"]) == (name, 1, 4, None)
    card = (folder / "README.md").read_text()
    assert "pipeline_tag: image-to-image" in card
    assert "python translate.py photo.jpg translated.png" in card
    assert (folder / "samples.png").read_bytes() == (run / "samples" / "iteration-0000002.png").read_bytes()
    assert f"holds one network, {name}, and 'other' was asked for" in refused(
        generate, f"{folder} direction=other from={folder / 'samples.png'}"
    )
