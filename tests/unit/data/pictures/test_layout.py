"""How the paths of files decide on classes and splits, in folders and zips alike."""

from __future__ import annotations

import os
import unicodedata
import zipfile
from pathlib import Path

import pytest

from gan_lightning.data.pictures.files import Files, files_at
from gan_lightning.data.pictures.layout import laid_out, listing, other_files, place
from gan_lightning.errors import UserError

NAMES = [f"{i}.png" for i in range(2000)]


def labels(*names: str) -> dict[str, str]:
    """The class of each picture by name."""
    layout = laid_out(names, 0)
    return dict(zip(layout.names, (layout.class_names[label] for label in layout.labels), strict=True))


def test_pictures_in_one_folder_have_no_class() -> None:
    layout = laid_out(["b.PNG", "a.jpeg", "notes.txt"], 0)
    assert (set(layout.names), layout.class_names, layout.labels) == ({"a.jpeg", "b.PNG"}, (), (0, 0))


def test_a_class_is_the_first_folder() -> None:
    assert labels("dog/1.png", "cat/1.png", "cat/old/2.png") == {
        "cat/1.png": "cat",
        "cat/old/2.png": "cat",
        "dog/1.png": "dog",
    }


def test_folders_around_everything_do_not_count() -> None:
    assert labels("pets/all/dog/1.png", "pets/all/cat/1.png") == {
        "pets/all/cat/1.png": "cat",
        "pets/all/dog/1.png": "dog",
    }
    for flat in (["pets/1.png", "pets/12.png"], ["pets/cat/1.png"]):
        assert laid_out(flat, 0).class_names == ()


def test_alike_beginnings_are_no_folder() -> None:
    assert set(labels("cat_a/1.png", "cat_b/1.png").values()) == {"cat_a", "cat_b"}


def test_pictures_beside_class_folders_are_refused() -> None:
    with pytest.raises(UserError, match=r"2 picture\(s\) lie beside the folders cat, dog.*: 1\.png, 2\.png\. Put"):
        laid_out(["cat/1.png", "dog/1.png", "1.png", "2.png"], 0)


def test_splits_are_no_classes() -> None:
    with pytest.raises(UserError, match=r"test, train are splits .* such as pets/train\."):
        laid_out(["pets/train/cat/1.png", "pets/test/cat/1.png"], 0.1)


def test_chosen_classes_are_renumbered_in_the_order_given() -> None:
    layout = laid_out([f"{kind}/{name}" for kind in "abc" for name in NAMES[:100]], 0.2)
    chosen = layout.only([2, 0])
    assert chosen.class_names == ("c", "a")
    assert len(chosen.names) == 200
    assert all(chosen.class_names[label] == name[0] for name, label in zip(chosen.names, chosen.labels, strict=True))
    train = set(layout.names[: layout.num_train])
    assert {name in train for name in chosen.names[: chosen.num_train]} == {True}
    assert {name in train for name in chosen.names[chosen.num_train :]} == {False}


def test_the_share_that_is_held_out_is_as_large_as_asked() -> None:
    """The numbers lie within four standard deviations of a binomial distribution."""
    for share, spread in ((0.1, 54), (0.5, 90)):
        assert abs(len(NAMES) * (1 - share) - laid_out(NAMES, share).num_train) < spread
    assert laid_out(NAMES, 0).num_train == len(NAMES)


def test_whether_a_picture_is_held_out_does_not_depend_on_the_others() -> None:
    def test_set(names: list[str], share: float) -> set[str]:
        layout = laid_out(names, share)
        return set(layout.names[layout.num_train :])

    assert test_set(NAMES[:1000], 0.1) == test_set(NAMES, 0.1) & set(NAMES[:1000])
    assert test_set(NAMES, 0.1) < test_set(NAMES, 0.2)
    assert test_set(NAMES[:45], 0.1) == {"25.png", "40.png", "41.png"}  # must never change


def test_the_order_mixes_the_classes_and_knows_no_split() -> None:
    """The first pictures, which are looked at and measured, must be of all classes."""
    names = [f"{kind}/{name}" for kind in "abcd" for name in NAMES[:250]]
    order = laid_out(names, 0.1)
    assert order.names == laid_out(reversed(names), 0.5).names
    assert [40 < order.labels[:200].count(label) < 60 for label in range(4)] == [True] * 4


def test_two_ways_to_write_a_letter_are_one_name() -> None:
    names = [f"café-{i}.png" for i in range(50)]
    decomposed = [unicodedata.normalize("NFD", name) for name in names]
    assert decomposed != names
    assert list(map(place, names)) == list(map(place, decomposed))


def test_a_long_list_is_cut() -> None:
    assert listing(["a", "b"]) == "a, b"
    assert listing(NAMES[:23]).endswith("18.png, 19.png and 3 more")


def test_other_files_are_counted_by_kind() -> None:
    assert other_files(["a.HEIC", "b/c.heic", "a.png", "b/README"]) == ".heic 2, README 1"


CONTENT = {"a.png": b"1", "cat/b.png": b"22", "cat/deep/c.jpg": b"3", "notes.txt": b""}
HIDDEN = [".DS_Store", ".git/d.png", "cat/._b.png", "__MACOSX/cat/b.png"]


@pytest.fixture(params=["folder", "zip"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The same files, once in a folder and once in a zip."""
    folder = tmp_path / "folder"
    for name in (*CONTENT, *HIDDEN):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(CONTENT.get(name, b"hidden"))
    (folder / "empty").mkdir()
    if request.param == "zip":
        with zipfile.ZipFile(tmp_path / "pictures.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                archive.write(path, path.relative_to(folder))
        return tmp_path / "pictures.zip"
    return folder


def test_all_files_but_hidden_ones_are_listed_and_can_be_read(root: Path) -> None:
    files = files_at(root)
    assert sorted(files.listed()) == sorted(CONTENT)
    for name, content in CONTENT.items():
        assert files.read(name) == content


def test_a_changed_file_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"one")
    before = files_at(tmp_path).listed()
    assert files_at(tmp_path).listed() == before
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    assert files_at(tmp_path).listed() != before


def test_links_are_followed_once(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.png").write_bytes(b"a")
    (tmp_path / "root" / "cat").mkdir(parents=True)
    (tmp_path / "root" / "dog").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root" / "cat" / "round").symlink_to(tmp_path / "root")
    (tmp_path / "root" / "cat" / "b.png").symlink_to(tmp_path / "gone.png")
    listed = files_at(tmp_path / "root").listed()
    assert sorted(listed) == ["cat/b.png", "dog/a.png"]
    assert listed["cat/b.png"] == "lost"


def test_what_is_neither_folder_nor_zip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no such folder or zip"):
        files_at(tmp_path / "missing")
    (tmp_path / "a.tar").write_bytes(b"no zip")
    with pytest.raises(UserError, match="is no folder and can't be read as a zip"):
        files_at(tmp_path / "a.tar")


def test_a_zip_with_a_password_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", b"a")
    content = bytearray(path.read_bytes())
    content[6] |= 1  # the flag of encryption, which stands in the header of the file and in the list at the end
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="needs a password"):
        files_at(path)


def test_a_file_gone_meanwhile_is_the_caller_s_affair(tmp_path: Path) -> None:
    files: Files = files_at(tmp_path)
    with pytest.raises(FileNotFoundError):
        files.read("a.png")


def test_a_folder_around_all_pictures_decides_nothing() -> None:
    """A zip of a folder holds out what the folder does."""
    names = [f"{kind}/{i}.png" for kind in ("cat", "dog") for i in range(50)]
    inside = laid_out(names, 0.2)
    around = laid_out([f"my/pets/{name}" for name in names], 0.2)
    assert around.around == "my/pets/"
    assert [name.removeprefix("my/pets/") for name in around.names] == list(inside.names)
    assert (around.labels, around.num_train) == (inside.labels, inside.num_train)
    assert 10 < len(names) - inside.num_train < 30
