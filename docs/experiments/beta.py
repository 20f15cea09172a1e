"""What β became in the one-layer models of recall-phases.json, where it depends on the token alone.

    python3 beta.py RUNS

RUNS is the folder that compare wrote. Prints for each model with data-dependent phases β of the token of filler (the least and the
greatest over pairs, where each has its own), the mean over the tokens of keys, and how many answers were right at 256 to 512 tokens."""

import glob
import json
import sys

import numpy as np

FILLER, KEYS = slice(0, 1), slice(1, 65)


def tensors(name):
    with open(name, "rb") as file:
        head = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    head.pop("__metadata__", None)
    return {n: np.frombuffer(data[slice(*t["data_offsets"])], "<f4").reshape(t["shape"]).astype(float) for n, t in head.items()}


def norm(x, weight):
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * weight


for run in sorted(glob.glob(f"{sys.argv[1]}/runs/*")):
    W = tensors(sorted(glob.glob(f"{run}/checkpoints/*/model.safetensors"))[-1])
    layer = "model.layers.0"
    if f"{layer}.self_attn.beta_proj.weight" not in W:
        continue
    x = norm(W["model.embed_tokens.weight"], W["model.embed_norm.weight"])
    beta = 1 + np.tanh(norm(x, W[f"{layer}.input_layernorm.weight"]) @ W[f"{layer}.self_attn.beta_proj.weight"].T)
    with open(f"{run}/recall-distance.json") as file:
        bins = json.load(file)["result"]["byDistance"]
    right = next(bin["accuracy"] for bin in bins if bin["from"] == 256)
    filler = " to ".join(sorted({f"{beta[FILLER].min():.3f}", f"{beta[FILLER].max():.3f}"}))
    print(f"{run.split('/')[-1]}: β of filler {filler}, of keys {beta[KEYS].mean():.3f}; {right:.1%} right at 256–512")
