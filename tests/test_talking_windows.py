"""The nodes that a Talking Video becomes, and what they leave behind, without a server."""

import pytest
from inside_comfyui import play

pytestmark = pytest.mark.comfy

CODE = """
import numpy as np
from pathlib import Path
from pack.myspinbot.audio import Audio
from pack.myspinbot.lipsync import long_video
from pack.myspinbot.lipsync.window_store import WindowStore
from pack.nodes.talking_job import TalkingJob
from pack.nodes.talking_windows import TOGETHER, TalkingVideoNext

LINKS = {name: ["1", slot] for slot, name in enumerate(
    ("model", "model_patch", "positive", "negative", "vae", "audio_encoder"))}

def job(model, seconds):
    video = long_video.LongVideo(
        model=model,
        pixels=np.zeros((64, 64, 3), np.uint8),
        size=(64, 64),
        speeches=[Audio(np.zeros((1, round(16000 * seconds)), np.float32), 16000)],
        window_frames=21,
        motion_frames=5,
        sampling=long_video.Sampling(2, 1.0, "euler", "simple", 2**63 - 1),
        store=WindowStore(Path("store"), 10**9),
        weights={},
        options={"audio_scale": 1, "colour_match": 0, "zoom": 1, "pan_x": 0, "pan_y": 0},
    )
    return TalkingJob(video, LINKS, "7", video.forecast())

def expanded(model, seconds, index=0):
    nodes = TalkingVideoNext.execute(job(model, seconds), index).expand
    short = {}
    for name, node in nodes.items():
        inputs = {k: v for k, v in node["inputs"].items() if k != "job"}
        short[".".join(name.split(".")[-2:])] = {"class": node["class_type"], **inputs}
    return short

class Vae:
    encoded = 0
    def encode(self, pixels):
        self.encoded += 1
        return pixels * 2

class Prompt:
    def get_node(self, node_id):
        return {"class_type": "LoadImageMask", "inputs": {"image": "masks/left.png [input]"}}

def masked(content):
    path = Path("input/masks/left.png")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return host.ancestry(Prompt(), {"mask_1": ["1", 0]})

vae, known = Vae(), {}
for key in ("1.0", "1.0", "1.1"):
    once = host.remembering(vae, 9, known, key)
    assert torch.equal(once.encode(torch.ones(9, 2)), torch.full((9, 2), 2.0))
    once.encode(torch.ones(5, 2))
frames, cond = torch.ones(100), torch.ones(3)
conditioning = [[cond, {"concat_mask": torch.ones(50), "strength": 1.0}]]
latent = {"samples": torch.ones(7)}
host.let_go([frames, conditioning, latent, None, 5])
say(
    infinitetalk=expanded(long_video.INFINITETALK, 6.6),
    s2v=expanded(long_video.S2V, 5.0),
    few=TOGETHER,
    masks=[masked(content) for content in (b"a", b"bc")],
    encoded=vae.encoded,
    remembered=list(known),
    left=[frames.untyped_storage().nbytes(), len(conditioning[0][1]), len(latent)],
    words=cond.sum().item(),
)
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return play(CODE, tmp_path_factory.mktemp("windows"))


def test_a_few_windows_follow_each_other(found):
    """Each with a seed of its own, none beginning before the last is kept; then the next few."""
    nodes, few = found["infinitetalk"], found["few"]
    (following,) = [node for node in nodes.values() if node["class"].endswith("Next")]
    assert following["index"] == few
    assert len(nodes) == 5 * few + 1
    for window in range(1, few + 1):
        hear, sample = nodes[f"W{window}.Hear"], nodes[f"W{window}.Sample"]
        shape = nodes[f"W{window}.Shape"]
        assert sample["seed"] == 2**63 - 2 + window
        assert (shape["length"], shape["motion_frame_count"]) == (21, 5)
        assert ("previous_frames" in shape) == (window > 1)
        assert nodes[f"W{window}.Window"]["after"][0].endswith(f"W{window}.Hear")
        if window > 1:
            assert hear["after"][0].endswith(f"W{window - 1}.Keep")


def test_s2v_extends_the_latents_before(found):
    """80 frames in windows of 20."""
    nodes = found["s2v"]
    assert nodes["W1.Shape"]["class"] == "WanSoundImageToVideo"
    for window in (2, 3, 4):
        shape = nodes[f"W{window}.Shape"]
        assert (shape["class"], shape["length"]) == ("WanSoundImageToVideoExtend", 17)
        assert shape["video_latent"][0].endswith(f"W{window}.Window")


def test_a_changed_file_in_a_folder_is_another_file(found):
    before, after = found["masks"]
    assert before["nodes"][0]["inputs"]["image"][1][0] == 1, "its size"
    assert after["nodes"][0]["inputs"]["image"][1][0] == 2


def test_the_portrait_is_encoded_once(found):
    assert found["encoded"] == 2 + 3, "two portraits, and each time what is no portrait"
    assert found["remembered"] == ["1.1"]


def test_what_was_used_is_let_go_but_not_the_users_words(found):
    assert found["left"] == [0, 0, 0]
    assert found["words"] == 3
