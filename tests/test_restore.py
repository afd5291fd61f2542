"""Restoring faces: what changes and what does not, steadiness, likeness, and which nets may."""

import re
import sys
from contextlib import contextmanager
from fractions import Fraction

import cv2
import numpy as np
import pytest
import tiny_upscalers as tiny
import torch
from faces import drawn_face, plain_face, read_rgb

from myspinbot.errors import BadInputError, MissingDependencyError
from myspinbot.face import Face
from myspinbot.face.crop import apply, warp
from myspinbot.face.template import FIVE_POINTS, SIZE_PX, five_points, restoration_matrix
from myspinbot.video.nets import Feeder
from myspinbot.video.restore import Restored
from myspinbot.video.restorers import drawing, open_restorer


class Film:
    audio = None

    def __init__(self, pictures, fps=25):
        self.pictures, self.fps, self.frame_count = pictures, Fraction(fps), len(pictures)
        self.height, self.width = pictures[0].shape[:2]
        self.number = 0

    def frames(self):
        for number, picture in enumerate(self.pictures):
            self.number = number
            yield picture


class Known:
    """A finder that knows where the faces are: for every frame one, None, or a list."""

    def __init__(self, faces, film):
        self.faces, self.film = faces, film

    def find(self, image, *, max_faces=1, small=True) -> list[Face]:
        now = self.faces[self.film.number]
        return [now] if isinstance(now, Face) else list(now or ())

    def track(self, image, previous):
        if image.shape == (SIZE_PX, SIZE_PX, 3):  # what was drawn
            return previous
        way = [(np.hypot(*np.subtract(f.center, previous.center)), f) for f in self.find(image)]
        return min(way, key=lambda found: found[0])[1] if way else None


class Net:
    """`draw` of float32 [N, 3, 512, 512] 0..1."""

    scale = 1

    def __init__(self, draw):
        self.draw = draw

    @contextmanager
    def ready(self, pixels):
        yield torch.device("cpu")

    def __call__(self, images):
        return self.draw(images)

    def out_of_memory(self, error):
        return False


def restored(pictures, faces, draw, *, batch=1, fps=25, finder=Known, **options):
    film, told = Film(pictures, fps), []
    stage = Restored(
        film,
        Feeder(Net(draw), batch=batch),
        finder(faces, film) if isinstance(faces, list) else faces,
        told=told.append,
        **options,
    )
    return stage, [frame.copy() for frame in stage.frames()], told


def turned(scale=1.0, roll=0.0, at=(300, 280)):
    """plain_face, which is 200 px wide, somewhere else, and the matrix that took it there."""
    c, s = scale * np.cos(roll), scale * np.sin(roll)
    linear = np.array([[c, -s], [s, c]])
    matrix = np.concatenate([linear, (np.array(at) - linear @ [200, 200])[:, None]], axis=1)
    return plain_face().transformed(matrix)


def texture(height=560, width=600, sigma=3.0, seed=0):
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    soft = cv2.GaussianBlur(noise, (0, 0), sigma).astype(np.float32)
    return np.clip((soft - 128) * 2 * sigma + 128, 0, 255).astype(np.uint8)


def brighter(images):
    return images + 40 / 255


def test_the_square_holds_the_face_where_nets_expect_it():
    for roll in (0.0, 0.6, -1.0):
        face = turned(0.7, roll)
        way = np.linalg.norm(
            apply(restoration_matrix(face), five_points(face)) - FIVE_POINTS, axis=1
        )
        assert way.max() < 30  # this face has other proportions than the mean one
    given = apply(np.array([[0.5, -0.2, 7], [0.2, 0.5, 9]]), FIVE_POINTS)
    points = np.zeros((478, 3), np.float32)
    for indices, place in zip([(33, 133), (362, 263), (4,), (61,), (291,)], given, strict=True):
        points[list(indices), :2] = place
    face = type(turned()).from_points(points, 1)
    assert np.abs(apply(restoration_matrix(face), given) - FIVE_POINTS).max() < 0.01


@pytest.mark.parametrize("size", [0.3, 1.0, 2.4])
def test_a_net_that_changes_nothing_changes_nothing(size):
    pictures = [np.roll(texture(), n, axis=1) for n in (0, 3, 20)]
    faces = [turned(size, 0.3, (300 + n, 280)) for n in (0, 3, 20)]
    _, frames, _ = restored(pictures, faces, lambda images: images)
    assert (frames[0] == pictures[0]).all()
    for before, after in zip(pictures[1:], frames[1:], strict=True):  # smoothed over time
        difference = np.abs(before.astype(int) - after)
        assert difference.max() <= 6
        assert difference.mean() < 0.3


@pytest.mark.parametrize("roll", [0.0, 0.4, -0.3])
@pytest.mark.parametrize("size", [0.4, 1.0, 2.0])
def test_only_the_face_changes(roll, size):
    frame, face = texture() // 2 + 40, turned(size, roll)
    _, (after,), _ = restored([frame], [face], brighter, guard=False)
    changed = (after != frame).any(2)
    oval = cv2.convexHull(face.points[:, :2].astype(np.float32))
    reach = np.zeros(frame.shape[:2], np.uint8)
    cv2.fillConvexPoly(reach, np.rint(oval).astype(np.int32), 1)
    grown = cv2.dilate(reach, np.ones((3, 3), np.uint8), iterations=int(60 * size) + 2)
    assert not (changed & (grown == 0)).any()
    middle = cv2.erode(reach, np.ones((3, 3), np.uint8), iterations=int(25 * size))
    rise = (after.astype(int) - frame)[middle == 1]
    assert np.abs(rise - 40).max() <= 2, "and it changes as the net says"


@pytest.mark.parametrize(("size", "roll"), [(0.5, 0.2), (1.0, -0.4), (1.9, 0.1)])
def test_what_the_net_draws_lands_where_it_belongs(size, roll):
    """A net that knows the sharp picture makes the blurred one sharp."""
    sharp, face = texture(sigma=2.5 * size), turned(size, roll)
    blurred = cv2.GaussianBlur(sharp, (0, 0), 4 * size)
    square = warp(sharp, restoration_matrix(face), SIZE_PX, SIZE_PX, replicate=True)
    known = torch.from_numpy(square).permute(2, 0, 1)[None].float() / 255
    _, (after,), _ = restored([blurred], [face], lambda images: known.clone(), guard=False)
    x, y = (round(float(v)) for v in face.center)
    reach = round(50 * size)
    part = np.s_[y - reach : y + reach, x - reach : x + reach]

    def error(frame):
        return np.abs(frame[part].astype(int) - sharp[part]).mean()

    assert error(after) < 0.15 * error(blurred)
    moved = np.roll(after, max(round(2 * size), 1), axis=1)
    assert error(moved) > 2 * error(after)


@pytest.mark.parametrize("batch", [1, 3])
def test_frames_without_a_face_stay_and_are_counted(batch):
    pictures = [texture(seed=n) for n in range(5)]
    faces = [turned(), None, turned(), None, None]
    stage, frames, told = restored(pictures, faces, brighter, batch=batch, guard=False)
    for before, after, face in zip(pictures, frames, faces, strict=True):
        assert (before == after).all() == (face is None)
    assert (stage.restored, stage.faceless) == (2, 3)
    assert told == [
        "2 of 5 frames show a face that was restored. 3 show no face and stay as they are."
    ]


def test_a_face_that_leaves_the_frame_is_restored_as_far_as_it_is_seen():
    for at in ((0, 280), (598, 20), (300, 650), (2000, 2000)):
        frame = texture()
        _, (after,), _ = restored([frame], [turned(at=at)], brighter, guard=False)
        assert (after == frame).all() == (at == (2000, 2000))


@pytest.mark.parametrize("batch", [1, 4])
def test_every_face_is_restored_by_itself(batch):
    """Also one that comes in later; each has its own guard; one of a few pixels stays."""
    left, right = turned(at=(180, 250)), turned(0.8, 0.2, (560, 250))
    small = turned(0.2, at=(330, 500))
    frame = cv2.resize(texture(), (800, 560))
    frame[:, 400:] //= 4
    faces = [[left, small]] * 2 + [[small, left, right]] * 5

    def draw(images):  # another person on the right, where it is dark
        bright = images.mean((1, 2, 3), keepdim=True) > 0.3
        return torch.where(bright, images * 1.05, 1 - images)

    def changed(frames, face):
        x, y = (round(float(value)) for value in face.center)
        part = np.s_[y - 20 : y + 20, x - 20 : x + 20]
        return [(after[part] != frame[part]).any() for after in frames]

    stage, frames, told = restored([frame] * 7, faces, draw, batch=batch, fps=4)
    assert (stage.most, stage.restored, stage.weakened) == (2, 7, 3)
    assert told[0].startswith("7 of 7 frames show up to 2 faces that were restored.")
    assert changed(frames, left) == [True] * 7
    assert changed(frames, small) == changed(frames, right) == [False] * 7
    _, frames, _ = restored([frame] * 7, faces, draw, batch=batch, fps=4, guard=False)
    assert changed(frames, right) == [False] * 4 + [True] * 3, "looked for once a second"


def test_strength():
    frame, face = np.full((560, 600, 3), 100, np.uint8), turned()
    shown = [
        restored([frame], [face], brighter, strength=s, guard=False)[1][0] for s in (0, 0.5, 1)
    ]
    x, y = (round(float(v)) for v in face.center)
    assert [int(picture[y, x, 0]) for picture in shown] == [100, 120, 140]
    assert (shown[0] == frame).all()


def noisy(count, spread, seed=3):
    random = np.random.default_rng(seed)
    still = texture(sigma=4).astype(np.float32)
    return [
        np.clip(still + random.normal(0, spread, still.shape), 0, 255).astype(np.uint8)
        for _ in range(count)
    ]


def flicker(frames, part):
    """Mean change of a pixel from one frame to the next, in levels, where nothing moves."""
    stack = np.stack([frame[part].astype(int) for frame in frames])
    return np.abs(np.diff(stack, axis=0)).mean()


@pytest.mark.parametrize("kind", ["gfpgan", "noise of its own", "sharpener"])
def test_a_film_at_rest_does_not_flicker_more_than_before(kind):
    random = torch.Generator().manual_seed(0)

    def noise(images):
        return images + torch.randn(images.shape, generator=random) * 3 / 255

    def sharpener(images):
        return images + 0.5 * (images - torch.nn.functional.avg_pool2d(images, 5, 1, 2))

    nets = {"gfpgan": drawing(tiny.gfpgan()), "noise of its own": noise, "sharpener": sharpener}
    frames, face = noisy(6, 2.0), turned()
    with torch.inference_mode():
        _, after, _ = restored(frames, [face] * 6, nets[kind], guard=False)
    inside = np.s_[220:340, 250:350]
    assert flicker(after[1:], inside) <= flicker(frames[1:], inside)
    assert (after[-1][inside] != frames[-1][inside]).any()


def test_what_moves_is_not_smeared():
    frame, face = texture(), turned()
    moved = frame.copy()
    moved[280:330, 270:330] = 255 - moved[280:330, 270:330]  # a mouth opens
    _, frames, _ = restored([frame] * 4 + [moved], [face] * 5, brighter, guard=False)
    _, (alone,), _ = restored([moved], [face], brighter, guard=False)
    part = np.s_[290:320, 280:320]
    assert np.abs(frames[-1][part].astype(int) - alone[part]).mean() < 2


def test_the_guard_holds_back_what_changes_the_face():
    frame, face = texture(), turned()
    mild, strong = (lambda images: images * 1.04), (lambda images: 1 - images)
    stage, (after,), _ = restored([frame], [face], mild)
    assert stage.weakened == 0
    assert (after != frame).any()
    stage, (after,), told = restored([frame], [face], strong)
    assert stage.weakened == 1
    assert (after == frame).all()
    assert "keep the likeness" in told[0]
    _, (after,), _ = restored([frame], [face], strong, guard=False)
    assert (after != frame).any()


def test_the_guard_lets_go_at_once_and_comes_back_slowly():
    frame, face = np.full((560, 600, 3), 100, np.uint8), turned()
    calls = []

    def once_wrong(images):
        calls.append(1)
        return 1 - images if len(calls) == 3 else images * 1.1

    _, frames, _ = restored([frame] * 30, [face] * 30, once_wrong)
    x, y = (round(float(v)) for v in face.center)
    shown = [int(picture[y, x, 0]) for picture in frames]
    assert shown[:2] == [110, 110]
    assert shown[2] == 100
    assert 100 <= shown[3] <= 103
    assert shown[3] <= shown[10] < shown[29]


def test_a_moved_feature_is_noticed():
    class Other(Known):
        def track(self, frame, previous):
            if frame.shape == (SIZE_PX, SIZE_PX, 3):
                return previous.transformed(np.array([[1, 0, 30.0], [0, 1, 0]]))
            return super().track(frame, previous)

    frame, face = texture(), turned()
    stage, (after,), _ = restored([frame], [face], lambda images: images * 1.02, finder=Other)
    assert stage.weakened == 1
    assert (after == frame).all()


def test_only_restorers_restore(tmp_path):
    from safetensors.torch import load_file

    tensors = load_file(tiny.write_restorer(tmp_path / "rf.safetensors"))
    assert open_restorer({"params_ema": tensors}).architecture.id == "RestoreFormer"
    with pytest.raises(BadInputError, match="restores no faces"):
        open_restorer(load_file(tiny.write_upscaler(tmp_path / "up.safetensors")))
    with pytest.raises(BadInputError, match=re.escape("begin with a.weight")):
        open_restorer({"a.weight": torch.zeros(3)})


def test_codeformer_wants_its_licence_and_then_its_package(monkeypatch):
    keys = ["position_emb", "idx_pred_layer.1.weight", "ft_layers.0.self_attn.in_proj_weight"]
    tensors = {key: torch.zeros(1) for key in keys}
    with pytest.raises(BadInputError, match=r"non-commercial use only: accept it"):
        open_restorer(tensors)
    monkeypatch.setitem(sys.modules, "spandrel_extra_arches", None)
    with pytest.raises(MissingDependencyError, match="pip install --no-deps spandrel_extra_arches"):
        open_restorer(tensors, accepted=True)


@pytest.mark.weights
def test_a_photograph_with_the_embedded_finder(finder, samples_dir):
    """Sharp again where it was blurred, by a net that knows the photograph; nothing else moves."""
    sharp = cv2.resize(read_rgb(samples_dir / "hopper.jpg"), (400, 478))
    blurred = cv2.GaussianBlur(sharp, (0, 0), 2.0)
    seen = []

    def knowing(images):
        matrix = restoration_matrix(finder.require_face(blurred))
        square = warp(sharp, matrix, SIZE_PX, SIZE_PX, replicate=True)
        seen.append(images)
        return torch.from_numpy(square).permute(2, 0, 1)[None].float() / 255

    stage, (after,), _ = restored([blurred], finder, knowing)
    assert stage.restored == 1
    assert stage.weakened == 0
    x0, y0, x1, y1 = (round(v) for v in finder.require_face(sharp).box)
    inner = np.s_[y0 + 30 : y1 - 30, x0 + 30 : x1 - 30]
    error = [np.abs(f[inner].astype(int) - sharp[inner]).mean() for f in (blurred, after)]
    assert error[1] < 0.3 * error[0]
    assert (after[:20] == blurred[:20]).all()
    pair = np.hstack([blurred, blurred[:, ::-1]])
    assert restored([pair], finder, lambda images: images)[0].most == 2
    drawn = cv2.resize(drawn_face(), (512, 512))
    assert restored([drawn], finder, lambda images: images)[0].restored == 1
