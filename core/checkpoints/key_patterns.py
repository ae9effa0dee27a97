"""How the keys of each network look, digits replaced by `#`: what a foreign state dict is measured against.

Written down rather than built, because inspecting a file must not import torch. A test compares each with the fixtures.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

DIGITS = re.compile(r"\d+")
LONGEST = 300
"""Longer names are nobody's; they are cut so that a hostile file costs no time."""

CONV = "{weight,bias}"
NORM = "{weight,bias,running_mean,running_var,num_batches_tracked}"
RES = f"block#.{{proj,norm}}.{CONV},mlp.#.{CONV}"
ATTENTION = "fn.{pre_norm.g,to_qkv.weight,to_out.{weight,bias,#.{weight,bias,g}}}"
LEVELS = f"#.#.{{{RES},{ATTENTION},weight,bias,#.{CONV}}}"
SCALE = "fn.{pre_norm.g,to_qkv.weight,to_out.{weight,bias}}"
U_NET = (
    f"{{downs,ups}}.{LEVELS}",
    f"{{mid_block#,final_res_block}}.{{{RES}}}",
    f"{{ups.#.#,final_res_block}}.res_conv.{CONV}",
    f"{{final_conv,time_mlp.#}}.{CONV}",
)
TWO_PATHS = (
    *U_NET, f"init_conv.{CONV}", f"cond_init_conv.{CONV}", f"cond_downs.{LEVELS}", f"cond_mid_block#.{{{RES}}}",
    f"conditioners.#.{{ff_parser_attn_map,norm_input.{{g,b}},norm_condition.{{g,b}},block.block#.{{proj,norm}}.{CONV}}}",
    "mid_transformer.layers.#.#.fn.{pre_norm_x.g,pre_norm_c.g,to_qkv_x.weight,to_qkv_c.weight}",
    f"mid_transformer.layers.#.#.fn.{{to_out.{CONV},#.{{weight,bias,g}}}}",
)  # fmt: skip
STEMS = (f"F_model.{CONV}", f"G_model.#.{{weight,bias,#.RDB#.conv#.{CONV}}}", f"mid_attn.{SCALE}")
SCHEDULE = (
    "{,sqrt_,sqrt_one_minus_,sqrt_recip_,sqrt_recipm#_}alphas_cumprod,alphas_cumprod_prev,betas,"
    "posterior_{variance,log_variance_clipped,mean_coef#}"
)
FILM = (
    f"vlm_film_heads.#.{{ln,mlp.#}}.{CONV}",
    f"vlm_film_conditioner.{{image_to_cond.{{ln,proj}},text_to_cond.mlp.#}}.{CONV}",
)
SNAKE = f"{{offset_conv,gn_offset,dsc_conv_x,dsc_conv_y,gn}}.{CONV}"


def _under(prefix: str, parts: Iterable[str]) -> str:
    return f"{prefix}{{{','.join(parts)}}}"


MEDSEGDIFF = (_under("unet.base_unet.", TWO_PATHS),)
HEADS = f"unet.{{hard_head,soft_head}}.{CONV}"
REFINE = f"unet.{{hard_refine,soft_refine}}.net.#.{CONV}"
DHARIWAL = (
    f"unet.base_unet.{{{{enc,dec}}.#x#_block#,dec.#x#_in#,enc.#x#_down,dec.#x#_up}}.{{norm#,conv#,affine}}.{CONV}",
    f"unet.base_unet.{{{{enc,dec}}.#x#_block#,dec.#x#_in#}}.{{proj,qkv}}.{CONV}",
    f"unet.base_unet.{{enc,dec}}.#x#_block#.skip.{CONV}",
    "unet.base_unet.{enc.#x#_down,dec.#x#_up}.{conv#,skip}.resample_filter",
    f"unet.base_unet.{{enc.#x#_conv,map_layer#,out_norm,out_conv}}.{CONV}",
)
DENOISER = (_under("diffusion_model.model.", TWO_PATHS), _under("diffusion_model.", (SCHEDULE,)))
WRITTEN: dict[str, tuple[str, ...]] = {
    "medsegdiff_flow": (*MEDSEGDIFF, *FILM),
    "medsegdiff_flow_multitask": (*MEDSEGDIFF, *FILM, HEADS, REFINE),
    "medsegdiff_flow_soft2hard": (*MEDSEGDIFF, HEADS, REFINE, f"unet.{{soft_feat.#,gate_conv}}.{CONV}"),
    "segdiff_flow": (_under("unet.base_unet.", (*U_NET, *STEMS)),),
    "dhariwal_concat_unet": DHARIWAL,
    "dhariwal_concat_unet_multihead": DHARIWAL,
    "medsegdiff": DENOISER,
    "colddiff": DENOISER,
    "segdiff": (_under("diffusion_model.model.", (*U_NET, *STEMS)), _under("diffusion_model.", (SCHEDULE,))),
    "berdiff": (
        _under("diffusion_model.model.", (*U_NET, f"init_conv.{CONV}", f"mid_attn.{SCALE}")),
        _under("diffusion_model.", (SCHEDULE, "alphas")),
    ),
    "csnet": (
        f"model.model.{{enc_input,encoder#}}.{{conv#.{CONV},conv#x#.{CONV},bn#.{NORM}}}",
        f"model.model.{{decoder#.conv.#.{NORM},deconv#.{CONV},final.{CONV}}}",
        f"model.model.affinity_attention.{{cab.gamma,sab.{{gamma,value.{CONV},query.#.{NORM},key.#.{NORM}}}}}",
    ),
    "dscnet": (f"model.model.model.{{conv#{{x,y}}.{{{SNAKE}}},conv#.{{conv,gn}}.{CONV},out_conv.{CONV}}}",),
    "nnunet": (
        f"model.model.{{inc.block.#,down_blocks.#.conv.block.#,up_blocks.#.{{up,conv.block.#}},outc.conv}}.{CONV}",
    ),
}
"""Architecture -> the patterns of its keys; `{a,b}` stands for either."""
PREFIXES = (
    "unet.base_unet.",
    "diffusion_model.model.",
    "model.model.model.",
    "model.model.",
    "diffusion_model.",
    "unet.",
)
"""What the producers' classes put in front of a network's own keys."""


def pattern_of(key: str) -> str:
    """`downs.3.0.weight` as `downs.#.#.weight`."""
    return DIGITS.sub("#", key[:LONGEST])


def count_patterns(keys: Iterable[str]) -> Counter[str]:
    """How many keys there are of each pattern."""
    return Counter(map(pattern_of, keys))


@lru_cache(maxsize=64)
def patterns_of(architecture: str) -> frozenset[str]:
    """The patterns of all keys that a network of this architecture may have; none for a name that is not known."""
    return frozenset(pattern for text in WRITTEN.get(architecture, ()) for pattern in expand(text))


@lru_cache(maxsize=64)
def bare_patterns_of(architecture: str) -> frozenset[str]:
    """The same without what the producers' classes put in front."""
    return frozenset(map(_bare, patterns_of(architecture)))


@lru_cache(maxsize=64)
def endings_of(architecture: str) -> frozenset[str]:
    """The last two parts of the patterns, with and without what the training class puts in front."""
    return frozenset(map(ending, patterns_of(architecture) | bare_patterns_of(architecture)))


def ending(pattern: str) -> str:
    return ".".join(pattern.rsplit(".", 2)[-2:])


def _bare(pattern: str) -> str:
    prefix = next((item for item in PREFIXES if pattern.startswith(item)), "")
    return pattern.removeprefix(prefix)


def expand(text: str) -> list[str]:
    """`a.{b,c.{d,e}}` as `a.b`, `a.c.d`, `a.c.e`, as a shell does."""
    start = text.find("{")
    if start < 0:
        return [text]
    depth, cuts = 0, [start]
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0 or (depth == 1 and text[place] == ","):
            cuts.append(place)
        if depth == 0:
            break
    choices = [text[a + 1 : b] for a, b in pairwise(cuts)]
    tails = expand(text[cuts[-1] + 1 :])
    return [text[:start] + middle + tail for choice in choices for middle in expand(choice) for tail in tails]
