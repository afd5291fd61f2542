"""Nets that restore faces, out of spandrel: which there are, how they are fed, what they allow.

GFPGAN (Wang et al. 2021, Apache-2.0) and RestoreFormer (Wang et al. 2022, Apache-2.0) come with
spandrel. CodeFormer (Zhou et al. 2022) may be used for research and other non-commercial purposes
only, under the S-Lab License 1.0; its code comes with spandrel_extra_arches, which ComfyUI does not
require.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from ..errors import BadInputError, MissingDependencyError

_CODEFORMER = "CodeFormer"
_CODEFORMER_KEYS = frozenset(
    ("position_emb", "idx_pred_layer.1.weight", "ft_layers.0.self_attn.in_proj_weight")
)
_OPTIONS: Mapping[str, dict[str, Any]] = {
    # fresh noise in every frame would flicker
    "GFPGAN": {"return_rgb": False, "randomize_noise": False},
    "RestoreFormer": {},
    _CODEFORMER: {},
}
"""What spandrel's nets of these names take beside the picture."""
_FIDELITY = "spinbot_fidelity"
"""Set on a CodeFormer whose licence was accepted, 0..1."""


def open_restorer(
    tensors: Mapping[str, Any], *, accepted: bool = False, fidelity: float = 1.0
) -> Any:
    """Spandrel's descriptor of the restorer with these weights, whichever it is.

    CodeFormer wants its licence `accepted`, and takes `fidelity`, 0 (better) to 1 (more like the
    input). Raises BadInputError for weights that restore no faces, and for that licence,
    MissingDependencyError without its package.
    """
    from spandrel import ModelLoader, UnsupportedModelError

    tensors = _unwrapped(tensors)
    own = tensors.keys() >= _CODEFORMER_KEYS
    if own:
        if not accepted:
            raise BadInputError(
                "These are weights of CodeFormer. Its licence, the S-Lab License 1.0 "
                "(https://github.com/sczhou/CodeFormer/blob/master/LICENSE), allows "
                "non-commercial use only: accept it in codeformer_licence, or use GFPGAN or "
                "RestoreFormer, which are free for every use."
            )
        _add_extra_architectures()
    try:
        descriptor = ModelLoader().load_from_state_dict(dict(tensors))
    except UnsupportedModelError as error:
        some = ", ".join(list(tensors)[:3])
        raise BadInputError(
            f"These weights are of no net that is known here (they begin with {some}). Use "
            "GFPGANv1.4.pth, RestoreFormer.pth, or codeformer.pth."
        ) from error
    check(descriptor, accepted=own)
    if own:
        setattr(descriptor, _FIDELITY, fidelity)
    return descriptor.eval()


def check(descriptor: Any, *, accepted: bool = False) -> None:
    """Raises BadInputError unless `descriptor` restores faces, and may be used."""
    if getattr(descriptor, "purpose", None) != "FaceSR" or descriptor.scale != 1:
        raise BadInputError(
            f"The restorer is a net of the kind {kind(descriptor)}, which restores no faces. Use "
            "GFPGAN or RestoreFormer; nets that enlarge pictures are for Upscale Video."
        )
    if kind(descriptor) == _CODEFORMER and not accepted and not hasattr(descriptor, _FIDELITY):
        raise BadInputError(
            "CodeFormer may be used for non-commercial purposes only (S-Lab License 1.0). Load it "
            "with Load Face Restorer, and accept its licence there."
        )


def drawing(descriptor: Any) -> Callable[[Tensor], Tensor]:
    """How to let `descriptor` draw [N, 3, 512, 512] 0..1 anew; raises BadInputError as `check`.

    The published nets work on -1..1; spandrel feeds GFPGAN and CodeFormer 0..1, so it is not asked.
    """
    check(descriptor)
    options = _OPTIONS.get(kind(descriptor))
    if options is None:
        return descriptor
    if kind(descriptor) == _CODEFORMER:
        options = {"weight": getattr(descriptor, _FIDELITY)}
    return lambda images: (descriptor.model(images * 2 - 1, **options)[0] + 1) / 2


def kind(descriptor: Any) -> str:
    """What spandrel calls the net."""
    return str(getattr(getattr(descriptor, "architecture", None), "id", "unknown"))


def _unwrapped(tensors: Mapping[str, Any]) -> Mapping[str, Any]:
    """What trainers save under one of these names."""
    for name in ("params_ema", "params", "state_dict"):
        if isinstance(tensors.get(name), Mapping):
            return tensors[name]
    return tensors


def _add_extra_architectures() -> None:
    try:
        import spandrel_extra_arches  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingDependencyError(
            "CodeFormer needs a package with its code (S-Lab License 1.0, non-commercial): "
            "python -m pip install --no-deps spandrel_extra_arches==0.2.0, then restart ComfyUI."
        ) from error
    spandrel_extra_arches.install(ignore_duplicates=True)
