"""The pack's lazy VIDEO, as ComfyUI's nodes use it: when frames are made, how often, what is left.

One process with ComfyUI plays all of it, for its start is most of the cost.
"""

import pytest
from inside_comfyui import play

pytestmark = pytest.mark.comfy

CODE = """
import gc, inspect, resource
from fractions import Fraction
from pathlib import Path
import folder_paths
import numpy as np
from comfy.cli_args import args
from comfy_api.latest import Input
from pack.myspinbot.audio import Audio
from pack.myspinbot.errors import StorageError
from pack.myspinbot.files import replacing
from pack.myspinbot.video import FileFrames, Stage
from pack.nodes.host import RenderedVideo, frame_source, metadata, save

temp = Path(folder_paths.get_temp_directory())
temp.mkdir(parents=True, exist_ok=True)
left = lambda folder=temp: sorted(path.name for path in Path(folder).iterdir())

class Film:
    width, height, fps = 64, 48, Fraction(25)
    def __init__(self, count=50):
        self.frame_count, self.made = count, 0
        time_s = np.arange(round(count / 25 * 44100)) / 44100
        self.audio = Audio(np.sin(2764 * time_s).astype(np.float32)[None], 44100)
    def frames(self):
        for number in range(self.frame_count):
            self.made += 1
            yield np.full((self.height, self.width, 3), 40 + number % 50 * 4, np.uint8)

class Brighter(Stage):
    def frames(self):
        for frame in self.source.frames():
            yield frame + np.uint8(1)

class Wide(Film):
    width, height = 640, 640
    def frames(self):
        self.made += 1
        yield from (np.full((640, 640, 3), n % 256, np.uint8) for n in range(self.frame_count))

facts = {}

# a net of few random weights between frames: what core's node makes of all of them at once
import comfy.model_patcher
from comfy_extras.frame_interpolation_models.ifnet import IFNet
from comfy_extras.nodes_frame_interpolation import FrameInterpolate
from pack.nodes.enhancing import InterpolateVideo
class Drift(Film):
    height = 64
    def frames(self):
        still = np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8).repeat(8, 0)
        for number in range(self.frame_count):
            yield np.roll(still.repeat(8, 1), number, axis=1)
torch.manual_seed(0)
with torch.inference_mode():
    net = IFNet(channels=(8, 8, 8, 8, 8)).eval()
    for weight in net.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    patcher = comfy.model_patcher.CoreModelPatcher(net, mm.get_torch_device(), torch.device("cpu"))
    video = InterpolateVideo.execute(RenderedVideo(Drift(4)), patcher, 3)[0]
    facts["smooth"] = [video.get_frame_count(), str(video.get_frame_rate()), video.get_duration()]
    ours = torch.from_numpy(np.stack([f.copy() for f in frame_source(video).frames()])).float()
    del video
    images = torch.from_numpy(np.stack(list(Drift(4).frames()))).float() / 255
    core = FrameInterpolate.execute(patcher, images, 3)[0] * 255
facts["interpolated"] = [len(ours), len(core), float((ours[:10] - core).abs().max())]
facts["not_the_mean"] = float((ours[1] - ours[0]).abs().mean())

from comfy_api.latest import InputImpl, Types
from pack.myspinbot.errors import BadInputError
try:
    frame_source(InputImpl.VideoFromComponents(
        Types.VideoComponents(torch.zeros(0, 8, 8, 3), Fraction(25))))
except BadInputError as error:
    facts["no_frames"] = str(error)

# metadata costs no frame, and nothing of core's own, which reads the file, is left
film = Film()
video = RenderedVideo(film)
getters = [name for name in dir(Input.Video) if name.startswith(("get_", "as_", "save_"))]
facts["not_ours"] = [n for n in getters if getattr(RenderedVideo, n) is getattr(Input.Video, n)]
facts["told"] = [
    list(video.get_dimensions()), video.get_duration(), video.get_frame_count(),
    str(video.get_frame_rate()), video.get_container_format(), video.get_bit_depth(),
    list(video.get_active_trim_window()),
]
facts["made_for_metadata"] = film.made

# stages chain: each frame once, the sound to the sample
chained = RenderedVideo(Brighter(frame_source(RenderedVideo(Brighter(frame_source(video))))))
parts = chained.get_components()
facts["made_for_components"] = film.made
facts["same_sound"] = bool(np.array_equal(parts.audio["waveform"][0].numpy(), film.audio.samples))
facts["frame_7"] = round(float(parts.images[7].mean()) * 255, 3)

# a second consumer of a file, or of dear frames, does not make them again
film.made = 0
video.save_to("first.mp4"), video.save_to("second.mp4"), video.get_stream_source()
list(frame_source(video).frames())
facts["made_for_two_files"] = film.made
dear = Film()
kept = RenderedVideo(dear, keep=True)
for _ in range(2):
    RenderedVideo(Brighter(frame_source(kept))).save_to("third.mp4")
facts["made_for_two_stages"] = dear.made
half = RenderedVideo(Film(), keep=True)
frames = frame_source(half).frames()
next(frames), frames.close()
facts["left_by_a_part"] = len(left()) - len([video, kept])

# trims: lazy, to the frame, with their own sound
part = kept.as_trimmed(0.4, 1.0)
facts["part"] = [part.get_frame_count(), part.get_duration()]
facts["part_sound"] = bool(np.array_equal(
    part.get_components().audio["waveform"][0].numpy(), dear.audio.samples[:, 17640:61740]))
seen = lambda video: [frame.copy() for frame in frame_source(video).frames()]
facts["part_frames"] = [
    bool(np.array_equal(a, b)) for a, b in zip(seen(part), seen(kept)[10:35], strict=True)]
facts["part_made"] = dear.made
facts["from_the_end"] = kept.as_trimmed(-0.2).get_frame_count()
facts["nothing_left"] = [kept.as_trimmed(9.0), kept.as_trimmed(1.9, 1.0, strict_duration=True)]

# as IMAGE the frames lie in a file, of which only what was read or written lately is resident
def resident_mb():
    fields = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return int(fields["RssAnon"].split()[0]) / 1024
before = resident_mb()
images = RenderedVideo(Wide(200)).get_components().images
facts["images_mb"] = images.numel() * 4 / 1e6
facts["anonymous_mb"] = resident_mb() - before
facts["last_image"] = round(float(images[-1].mean()) * 255, 3)
del images
gc.collect()

# a cancel, wherever it comes
os.mkdir("cancelled")
seen = left()
mm.interrupt_current_processing()
try:
    RenderedVideo(Film(100)).save_to("cancelled/out.mp4")
except mm.InterruptProcessingException:
    facts["cancelled"] = [left("cancelled"), left() == seen]

# without metadata
facts["metadata"] = metadata({"1": {}}, {"workflow": {}})
args.disable_metadata = True
facts["disabled"] = metadata({"1": {}}, {"workflow": {}})
save(Path("bare.mp4"), Film(), crf=20, preset="ultrafast", metadata=None)
facts["tags"] = sorted(__import__("av").open("bare.mp4").metadata)

# the file goes with the video
paths = [v._path for v in (video, kept)]
del video, kept, chained, part, parts, half, frames
gc.collect()
facts["gone"] = not any(os.path.exists(path) for path in paths)

# a full disk, for which a limit on the size of files stands
class Noise(Film):
    width, height = 256, 256
    def frames(self):
        noise = np.random.default_rng(0)
        for _ in range(200):
            yield noise.integers(0, 255, (256, 256, 3), np.uint8)
earlier = RenderedVideo(Film(), keep=True)
list(frame_source(earlier).frames())
made = earlier._source.made
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
os.mkdir("full")
seen = left()
for target in (lambda: RenderedVideo(Noise()).save_to("full/out.mp4"),
               lambda: save(Path("full/out.mp4"), Noise(), crf=1, preset="ultrafast", metadata={}),
               lambda: RenderedVideo(Noise()).get_components()):
    try:
        target()
    except StorageError as error:
        facts.setdefault("full", []).append(str(error))
facts["after_full"] = [left("full"), left() == seen]
list(frame_source(earlier).frames())
facts["earlier_stage_made_again"] = earlier._source.made != made
say(**facts)
"""


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    return play(CODE, tmp_path_factory.mktemp("video"))


def test_frames_between_are_those_of_core(facts):
    assert facts["smooth"] == [12, "75", 0.16]
    assert facts["interpolated"][:2] == [12, 10]
    assert facts["interpolated"][2] <= 0.501
    assert facts["not_the_mean"] > 1


def test_a_video_of_no_frames_is_told(facts):
    assert facts["no_frames"].startswith("The video has no frames")


def test_metadata_costs_no_frame(facts):
    assert facts["not_ours"] == []
    assert facts["told"] == [[64, 48], 2.0, 50, "25", "mp4", 8, [0.0, 0.0]]
    assert facts["made_for_metadata"] == 0


def test_stages_chain_without_a_file_and_the_sound_is_exact(facts):
    assert facts["made_for_components"] == 50
    assert facts["frame_7"] == 40 + 7 * 4 + 2
    assert facts["same_sound"]


def test_a_second_consumer_makes_nothing_again(facts):
    assert facts["made_for_two_files"] == 50
    assert facts["made_for_two_stages"] == 50
    assert facts["left_by_a_part"] == 0, "a stage that stops early leaves no half of a file"


def test_trims(facts):
    assert facts["part"] == [25, 1.0]
    assert facts["part_sound"]
    assert facts["part_frames"] == [True] * 25
    assert facts["part_made"] == 50, "read from the file"
    assert facts["from_the_end"] == 5
    assert facts["nothing_left"] == [None, None]


def test_images_lie_in_a_file(facts):
    assert facts["images_mb"] > 900
    assert facts["anonymous_mb"] < 100
    assert facts["last_image"] == 199


def test_a_cancel_leaves_nothing(facts):
    assert facts["cancelled"] == [[], True]


def test_metadata_may_be_switched_off(facts):
    assert facts["metadata"] == {"prompt": {"1": {}}, "workflow": {}}
    assert facts["disabled"] is None
    assert not {"prompt", "workflow", "myspinbot", "comment"} & set(facts["tags"])


def test_files_live_as_long_as_their_video(facts):
    assert facts["gone"]


def test_a_full_disk_is_told_and_earlier_stages_are_kept(facts):
    assert len(facts["full"]) == 3
    assert all("Free space" in text or "could not be written" in text for text in facts["full"])
    assert facts["after_full"] == [[], True]
    assert not facts["earlier_stage_made_again"]
