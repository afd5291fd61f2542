"""What survives the end of a training, and how it goes on."""

import os
import signal
from dataclasses import replace

import pytest
import torch
from lora_toy import RECIPE, Bench, equal

from myspinbot.errors import BadInputError
from myspinbot.lora.checkpoint import Checkpoint, State


class Cancelled(BaseException):
    """As ComfyUI's interrupt: nothing that a broad except would catch."""


def cancel_after(steps):
    def after_step(training):
        if training.step == steps:
            raise Cancelled

    return after_step


@pytest.mark.parametrize("optimiser", ["adamw", "prodigy"])
@pytest.mark.parametrize("stop", [1, 4, 7])
def test_a_resumed_training_ends_like_one_that_never_stopped(tmp_path, stop, optimiser):
    recipe = replace(RECIPE, optimiser=optimiser)
    straight = Bench(recipe).training()
    straight.run()
    stopped = Bench(recipe).training(checkpoint=Checkpoint(tmp_path, "a"))
    with pytest.raises(Cancelled):
        stopped.run(cancel_after(stop))
    resumed = Bench(recipe).training(checkpoint=Checkpoint(tmp_path, "a"))
    assert resumed.resume()
    assert resumed.step == resumed.resumed_from == stop
    assert resumed.losses == straight.losses[:stop]
    resumed.run()
    assert equal(resumed.weights(), straight.weights())
    assert equal(resumed.adapters.weights(), straight.adapters.weights())
    assert resumed.losses == straight.losses
    assert resumed.validation.losses == straight.validation.losses


def test_a_cancel_in_the_middle_of_a_step_loses_only_that_step(tmp_path):
    bench = Bench()
    training = bench.training(checkpoint=Checkpoint(tmp_path, "a"))
    predict, calls = bench.denoiser.predict, []

    def cancelled(noisy, sigmas, captions):
        calls.append(training.step)
        if training.step == 5:
            raise Cancelled
        return predict(noisy, sigmas, captions)

    bench.denoiser.predict = cancelled
    with pytest.raises(Cancelled):
        training.run()
    resumed = Bench().training(checkpoint=Checkpoint(tmp_path, "a"))
    assert resumed.resume()
    assert resumed.step == 5
    resumed.run()
    straight = Bench().training()
    straight.run()
    assert equal(resumed.weights(), straight.weights())


def test_a_state_of_more_steps_than_asked_is_left_alone(tmp_path):
    Bench().training(checkpoint=Checkpoint(tmp_path, "a")).run()
    short = Bench(replace(RECIPE, steps=3)).training(checkpoint=Checkpoint(tmp_path, "a"))
    with pytest.raises(BadInputError, match=r"8 steps already, and 3 are.*resume to never"):
        short.resume()


def test_a_state_of_another_text_encoder_is_left_alone(tmp_path):
    def training(encoded):
        bench = Bench()
        made = bench.training(checkpoint=Checkpoint(tmp_path, "a"))
        made._encoded = encoded
        return made

    encoded = torch.randn(2, 128)
    training(encoded).run()
    assert training(encoded * 1.01).resume()  # another device rounds otherwise
    assert training(None).resume()
    other = torch.stack([encoded[0], torch.randn(128)])
    with pytest.raises(BadInputError, match="another text encoder or VAE"):
        training(other).resume()


def test_a_cancel_in_the_last_validation_is_made_up_for(tmp_path):
    straight = Bench().training()
    straight.run()
    stopped = Bench().training(checkpoint=Checkpoint(tmp_path, "a"))
    measure = stopped.validation.measure

    def cancelled(loss_of, step, adapters):
        if step == RECIPE.steps:
            raise Cancelled
        measure(loss_of, step, adapters)

    stopped.validation.measure = cancelled
    with pytest.raises(Cancelled):
        stopped.run()
    resumed = Bench().training(checkpoint=Checkpoint(tmp_path, "a"))
    assert resumed.resume()
    resumed.run()
    assert resumed.validation.losses == straight.validation.losses
    assert equal(resumed.weights(), straight.weights())


def killed_while_writing(folder, size):
    """Save a second state in a process that dies after `size` bytes of it."""
    child = os.fork()
    if child:
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
        return
    import builtins

    real = builtins.open

    def mortal(path, mode="r"):
        file = real(path, mode, buffering=0) if "w" in mode else real(path, mode)
        if "w" not in mode:
            return file

        class Mortal:
            __enter__ = lambda self: self  # noqa: E731
            __exit__ = lambda self, *error: file.close()  # noqa: E731
            fileno = file.fileno

            def flush(self):
                os.kill(os.getpid(), signal.SIGKILL)  # written, and not yet renamed

            def write(self, data):
                file.write(data[:size])
                if size < len(data):
                    os.kill(os.getpid(), signal.SIGKILL)

        return Mortal()

    builtins.open = mortal
    Checkpoint(folder, "a").save(State(2, {"x": torch.ones(1000)}))
    os._exit(1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("size", [0, 1, 9, 2000, 10**9])
def test_a_kill_while_saving_leaves_the_state_before(tmp_path, size):
    Checkpoint(tmp_path, "a").save(State(1, {"x": torch.zeros(1000)}, {"losses": [1.5]}))
    killed_while_writing(tmp_path, size)
    state = Checkpoint(tmp_path, "a").load()
    assert state is not None
    assert (state.step, state.facts) == (1, {"losses": [1.5]})
    assert not state.tensors["x"].any()
    Checkpoint(tmp_path, "a").save(State(3, {"x": torch.ones(1)}))
    state = Checkpoint(tmp_path, "a").load()
    assert state is not None
    assert state.step == 3


def test_a_damaged_state_is_none(tmp_path):
    checkpoint = Checkpoint(tmp_path, "a")
    assert checkpoint.load() is None
    checkpoint.save(State(1, {"x": torch.zeros(10)}))
    data = checkpoint.path.read_bytes()
    checkpoint.path.write_bytes(data[: len(data) // 2])
    assert checkpoint.load() is None


def test_only_the_latest_states_are_kept(tmp_path):
    for number in range(12):
        checkpoint = Checkpoint(tmp_path, f"{number:02}")
        checkpoint.save(State(1, {}))
        os.utime(checkpoint.path, (number, number))
    kept = sorted(path.stem for path in tmp_path.iterdir())
    assert kept == [f"{number:02}" for number in range(4, 12)]
