"""Loaders of image sets, on tiny sets that these tests write in the sets' own formats."""
from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.core.errors import SemblanceError
from addon.core.key_poses import CLASSES
from addon.core.rig_profile import find_profile

cv2 = pytest.importorskip("cv2")
from training.face_sets import (  # noqa: E402
    Box,
    FaceTriplet,
    LabelledFace,
    affectnet_folder,
    affectnet_table,
    fec_triplets,
    ferg_folder,
    image_folder,
    read_face,
    read_picture,
    x2c_set,
)

ADA = find_profile("ada").control_set
AFFECTNET = "subDirectory_filePath face_x face_y face_width face_height facial_landmarks expression valence arousal"


def picture(path: Path, image: np.ndarray | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((20, 30, 3), 90, np.uint8) if image is None else image)
    return path


def table(path: Path, rows: list[list[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def fec_row(names: list[str], kind: str = "TWO", votes: tuple[int, ...] = (3, 3, 1, 3, 3)) -> list[object]:
    images = [cell for name in names for cell in (f"https://example.org/a/{name}", 0.25, 0.75, 0.1, 0.6)]
    annotators = [cell for number, vote in enumerate(votes) for cell in (f"annotator{number}", vote)]
    return [*images, f"{kind}_CLASS_TRIPLET", *annotators]


def x2c_line(name: object = "42.png", values: object = None, **changed: object) -> str:
    """A line of X2C's metadata.jsonl: Ada's neutral, with some controls changed."""
    given = dict(zip(ADA.names, ADA.neutral.tolist(), strict=True)) | changed
    return json.dumps({"file_name": name, "ctrl_value": list(given.values()) if values is None else values})


def test_fec_rows_become_triplets(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        picture(tmp_path / "images" / name)
    names = ["a.jpg", "b.jpg", "c.jpg"]
    rows = [fec_row(names), fec_row([*names[:2], "c.jpg?size=1"], "ONE", (1, 2)), fec_row(["gone.jpg", *names[:2]]),
            ["nonsense"], fec_row(names, "FOUR"), fec_row(names, votes=(4,)), fec_row([*names[:2], ".."]),
            fec_row(names, votes=())]
    skipped: Counter[str] = Counter()
    found = list(fec_triplets(table(tmp_path / "fec.csv", rows), tmp_path / "images", skipped))
    assert [(triplet.kind, triplet.odd, triplet.agreement) for triplet in found] == [("two", 2, 0.8), ("one", 0, 0.5)]
    assert [face.path.name for face in found[0].faces] == ["a.jpg", "b.jpg", "c.jpg"]
    assert found[0].faces[0].box == Box(0.25, 0.1, 0.75, 0.6, relative=True)
    assert read_face(found[0].faces[0]).shape == (10, 14, 3)
    assert skipped == {"image missing": 1, "row damaged": 5}


@pytest.mark.parametrize("header", [True, False])
def test_affectnet_rows_become_faces(tmp_path: Path, header: bool) -> None:
    picture(tmp_path / "689" / "x.jpg")
    box: list[object] = [3, 2, 10, 12, "1.0;2.0"]
    rows: list[list[object]] = [
        ["689/x.jpg", *box, 1, 0.7, -0.25], ["689/x.jpg", *box, 7, -0.5, 0.5], ["689/x.jpg", *box, 9, -2, -2],
        ["689/x.jpg", *box, 10, -2, -2], ["689/y.jpg", *box, 0, 0, 0], ["689/x.jpg", *box, 11, 0, 0],
        ["../x.jpg", *box, 1, 0, 0], ["689/x.jpg", *box, 1, "nan", 0], ["689/x.jpg", 0, 0, -1, -1, "", 1, 0, 0],
    ]
    skipped: Counter[str] = Counter()
    path = table(tmp_path / "training.csv", [AFFECTNET.split(), *rows] if header else rows)
    joy, contempt, uncertain = affectnet_table(path, tmp_path, skipped)
    assert joy == LabelledFace(tmp_path / "689" / "x.jpg", Box(3, 2, 13, 14), "joy", 0.7, -0.25)
    assert (contempt.expression, uncertain.expression, uncertain.valence) == ("contempt", "", None)
    assert read_face(joy).shape == (12, 10, 3)
    assert skipped == {"no face": 1, "image missing": 1, "row damaged": 4}


def test_affectnet_columns_may_be_in_another_order(tmp_path: Path) -> None:
    picture(tmp_path / "x.jpg")
    names = AFFECTNET.split()[::-1]
    path = table(tmp_path / "t.csv", [list(names), [0.1, 0.2, 3, "", 5, 5, 1, 1, "x.jpg"]])
    (face,) = affectnet_table(path, tmp_path, Counter())
    assert (face.expression, face.valence, face.arousal) == ("surprise", 0.2, 0.1)


def test_affectnet_folder(tmp_path: Path) -> None:
    (tmp_path / "annotations").mkdir()

    def annotate(stem: str, code: object, valence: object, arousal: object) -> None:
        for what, value in (("exp", code), ("val", valence), ("aro", arousal)):
            np.save(tmp_path / "annotations" / f"{stem}_{what}.npy", np.array(value))

    picture(tmp_path / "images" / "12.jpg")
    picture(tmp_path / "images" / "13.jpg")
    annotate("12", "2", "-0.5", "0.25")
    annotate("13", 6, -0.75, 0.5)
    annotate("14", 6, 0.0, 0.0)
    annotate("15", 99, 0.0, 0.0)
    (tmp_path / "annotations" / "16_exp.npy").write_bytes(b"\x93NUMPY nothing")
    skipped: Counter[str] = Counter()
    sad, angry = affectnet_folder(tmp_path, skipped)
    assert sad == LabelledFace(tmp_path / "images" / "12.jpg", None, "sadness", -0.5, 0.25)
    assert (angry.expression, angry.valence) == ("anger", -0.75)
    assert skipped == {"image missing": 1, "row damaged": 2}


def test_ferg_folders_name_character_and_class(tmp_path: Path) -> None:
    picture(tmp_path / "mery" / "mery_joy" / "mery_joy_12.png")
    picture(tmp_path / "ray" / "ray_sadness" / "ray_sadness_3.png")
    picture(tmp_path / "ray" / "other" / "thumbnail.png")
    skipped: Counter[str] = Counter()
    found = [(face.character, face.expression) for face in ferg_folder(tmp_path, skipped)]
    assert found == [("mery", "joy"), ("ray", "sadness")] and skipped == {"folder names no expression": 1}
    assert {expression for _, expression in found} <= set(CLASSES)


def test_x2c_finds_its_images_in_either_place(tmp_path: Path) -> None:
    picture(tmp_path / "images0" / "42.png")
    picture(tmp_path / "images1" / "10001.png")
    picture(tmp_path / "77.png")
    picture(tmp_path / "laugh" / "3.png")
    values = ADA.neutral.tolist()
    given = [("42.png", {"more": 1}), ("10001.png", {"animation": "wink"}), ("77.png", {}), ("laugh/3.png", {})]
    lines = [json.dumps({"file_name": name, "ctrl_value": values, **more}) for name, more in given]
    (tmp_path / "metadata.jsonl").write_text("\n".join(lines), encoding="utf-8")
    refused: list[str] = []
    found = list(x2c_set(tmp_path, ADA, refused))
    assert [face.path.relative_to(tmp_path).as_posix() for face in found] == [
        "images0/42.png", "images1/10001.png", "77.png", "laugh/3.png"]
    assert [face.animation for face in found] == ["", "wink", "", "laugh"]
    assert found[0].controls == tuple(values) and refused == []


@pytest.mark.parametrize(("line", "reason"), [
    ("{", "no JSON object"), ("[]", "no JSON object"), ('{"file_name": 3}', "no JSON object"),
    (x2c_line(values=ADA.neutral.tolist()[:29]), "29 control values instead of 30"),
    (x2c_line(values="1" * 30), "no list of control values instead of 30"),
    (x2c_line(**{"Brow Inner Left": float("nan")}), "'Brow Inner Left' is no finite number"),
    (x2c_line(**{"Head Yaw": "three"}), "'Head Yaw' is no finite number"),
    (x2c_line(**{"Jaw Yaw": True}), "'Jaw Yaw' is no finite"),
    (x2c_line(**{"Nose Wrinkle": 10**400}), "'Nose Wrinkle' is no finite number"),
    (x2c_line(**{"Head Yaw": 45.0}), "'Head Yaw' is 45, outside -30 to 30"),
    (x2c_line("43.png"), "43.png' is not there"), (x2c_line("../42.png"), "leads out of the folder"),
    (x2c_line("/etc/passwd"), "leads out of the folder"), (x2c_line(3), "leads out of the folder or is none"),
])
def test_x2cs_bad_lines_are_named(tmp_path: Path, line: str, reason: str) -> None:
    picture(tmp_path / "images0" / "42.png")
    (tmp_path / "metadata.jsonl").write_text("\n".join([x2c_line(), "", line, x2c_line()]), encoding="utf-8")
    refused: list[str] = []
    assert len(list(x2c_set(tmp_path, ADA, refused))) == 2
    assert len(refused) == 1 and reason in refused[0]
    assert refused[0].startswith(f"'{tmp_path / 'metadata.jsonl'}', line 3: ") and refused[0].endswith("the line.")


def test_x2cs_curves_may_leave_the_limits_a_little(tmp_path: Path) -> None:
    picture(tmp_path / "images0" / "42.png")
    (tmp_path / "metadata.jsonl").write_text(x2c_line(**{"Head Yaw": 31.0}), encoding="utf-8")
    face, = x2c_set(tmp_path, ADA, [])
    assert face.controls[ADA.names.index("Head Yaw")] == 30


def test_a_folder_of_images(tmp_path: Path) -> None:
    for name in ("b/2.JPG", "a.png", "b/1.webp"):
        picture(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    assert [face.path.name for face in image_folder(tmp_path)] == ["a.png", "1.webp", "2.JPG"]


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    gone, skipped = tmp_path / "gone", Counter[str]()
    loaders: list[Iterator[LabelledFace] | Iterator[FaceTriplet]] = [
        image_folder(gone), fec_triplets(gone, tmp_path, skipped), fec_triplets(gone, gone, skipped),
        affectnet_table(gone, tmp_path, skipped), affectnet_folder(tmp_path, skipped), ferg_folder(gone, skipped),
        x2c_set(tmp_path, ADA, []), fec_triplets(tmp_path, tmp_path, skipped),
    ]
    for loader in loaders:
        with pytest.raises(SemblanceError, match=str(tmp_path)):
            next(loader)


def test_grey_deep_and_transparent_pictures(tmp_path: Path) -> None:
    grey = read_picture(picture(tmp_path / "grey.png", np.full((4, 5), 200, np.uint8)))
    assert grey.shape == (4, 5, 3) and (grey == 200).all()
    deep = read_picture(picture(tmp_path / "deep.png", np.full((4, 5, 3), 40_000, np.uint16)))
    assert deep.dtype == np.uint8 and abs(int(deep[0, 0, 0]) - 40_000 // 257) <= 1
    glass = np.full((4, 5, 4), 250, np.uint8)
    glass[..., 3] = [0, 255, 255, 255, 51]
    for depth, scale in ((np.uint8, 1), (np.uint16, 257)):
        seen = read_picture(picture(tmp_path / "glass.png", glass.astype(depth) * depth(scale)))
        assert seen.shape == (4, 5, 3)
        assert seen[0, :, 0].tolist() == [128, 250, 250, 250, 152]


def test_unreadable_pictures_are_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.png"
    for data in (b"", b"\x89PNG\r\n\x1a\n", b"not a picture", picture(tmp_path / "ok.png").read_bytes()[:40]):
        path.write_bytes(data)
        with pytest.raises(SemblanceError, match=r"broken\.png"):
            read_picture(path)
    header = bytearray((tmp_path / "ok.png").read_bytes())
    header[16:24] = b"\x00\x00\x7f\xff" * 2
    path.write_bytes(header)
    with pytest.raises(SemblanceError, match="64 million"):
        read_picture(path)
    with pytest.raises(SemblanceError, match=r"gone\.png"):
        read_picture(tmp_path / "gone.png")
    with pytest.raises(SemblanceError, match="outside"):
        read_face(LabelledFace(tmp_path / "ok.png", Box(100, 100, 120, 1e300)))


TEXTS = st.text(st.sampled_from('ab0139.-,;"\n\r\\/ \0éONE_CLASS_TRIPLET{}[]:'), max_size=300).map(str.encode)
LOADERS: list[Callable[[Path, Counter[str]], Iterator[object]]] = [
    lambda folder, skipped: fec_triplets(folder / "table", folder, skipped),
    lambda folder, skipped: affectnet_table(folder / "table", folder, skipped),
    lambda folder, skipped: x2c_set(folder, ADA, []),
    lambda folder, skipped: affectnet_folder(folder, skipped),
]


@given(data=st.one_of(st.binary(max_size=300), TEXTS), keep=st.integers(0, 500), which=st.integers(0, 1))
@settings(max_examples=150)
def test_no_table_breaks_a_loader(tmp_path_factory: pytest.TempPathFactory, data: bytes, keep: int, which: int) -> None:
    folder = tmp_path_factory.getbasetemp() / "fuzz"
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    # random bytes alone, or behind the beginning of a good table
    good = ",".join(map(str, fec_row(["a.jpg", "b.jpg", "c.jpg"]))) + "\na.jpg,1,1,5,5,,1,0,0\n"
    good += json.dumps({"file_name": "1.png", "ctrl_value": [0] * 30}) + "\n"
    for name in ("table", "metadata.jsonl", "annotations/1_exp.npy"):
        (folder / name).write_bytes(good.encode()[:keep * which] + data)
    for load in LOADERS:
        skipped: Counter[str] = Counter()
        assert list(load(folder, skipped)) == []
        assert set(skipped) <= {"row damaged", "image missing", "no face"}


@given(data=st.binary(max_size=200), cut=st.integers(0, 120), suffix=st.sampled_from([".png", ".jpg", ".tiff", ".bmp"]))
@settings(max_examples=150)
def test_no_bytes_break_a_picture(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cut: int, suffix: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"fuzz{suffix}"
    whole = cv2.imencode(suffix, np.arange(60, dtype=np.uint8).reshape(4, 5, 3))[1].tobytes()
    path.write_bytes(whole[:cut] + data + whole[cut + len(data):])
    try:
        image = read_picture(path)
    except SemblanceError as error:
        assert path.name in str(error)
    else:
        assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
