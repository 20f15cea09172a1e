"""The trainings of books.json and books-small.json in PyTorch, with weights and batches of their own: a check that comes from elsewhere.

    python3 reference.py BOOKS VARIANT [--small] [--seed N] [--length N] [--bfloat16]

VARIANT is softmax, gated-softmax, sympow, gated or conformal. Prints nats per byte of held-out text by position, of the
streams that compare reads and of those alone that the held-out part of a book begins with."""

import argparse
import glob
import math
import time

import numpy as np
import torch
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("books")
parser.add_argument("variant", choices=["softmax", "gated-softmax", "sympow", "gated", "conformal"])
parser.add_argument("--small", action="store_true", help="as in books-small.json")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--length", type=int, help="bytes to read of each held-out stream, all of it unless said otherwise")
parser.add_argument("--bfloat16", action="store_true", help="products in bfloat16, as PyTorch's autocast has it")
args = parser.parse_args()

if args.small:
    L, width, H, d, N = 4, 128, 4, 32, 4096
    context, batch, steps, rate = 256, 8, 400, 3e-3
    length, streams = 4096, 60
else:
    L, width, H, d, N = 6, 384, 6, 64, 65536
    context, batch, steps, rate = 512, 32, 1200, 1e-3
    length, streams = 8192, 96
warmup = steps // 10
softmax = args.variant.endswith("softmax")
gated = "gated" in args.variant or args.variant == "conformal"
turning = args.variant == "conformal"
device = "cuda" if torch.cuda.is_available() else "cpu"
torch.manual_seed(args.seed)
random = np.random.default_rng(args.seed)

books = [np.fromfile(name, np.uint8) for name in sorted(glob.glob(args.books + "/*.txt"))]
cuts = [len(book) - round(len(book) * 0.1) for book in books]


def normal(*shape, std=0.02):
    return torch.nn.Parameter(torch.randn(*shape, device=device) * std)


def constant(value, *shape):
    return torch.nn.Parameter(torch.full(shape, float(value), device=device))


residual = 0.02 / math.sqrt(2 * L)
W = {"embed": normal(256, width), "embed_norm": constant(1, width), "norm": constant(1, width)}
for l in range(L):
    W[f"{l}.norm1"], W[f"{l}.norm2"] = constant(1, width), constant(1, width)
    W[f"{l}.qkv"], W[f"{l}.o"] = normal(3 * H * d, width), normal(width, H * d, std=residual)
    W[f"{l}.up"], W[f"{l}.down"] = normal(4 * width, width), normal(width, 4 * width, std=residual)
    if gated:
        W[f"{l}.gate"], W[f"{l}.gate_bias"] = normal(H, width), constant(6.906768, H)
    if turning:
        W[f"{l}.beta"] = constant(0, H, width)
theta = 2 * math.pi / N ** (torch.arange(0, d, 2, device=device, dtype=torch.float64) / d)


def norm(x, name):
    return F.layer_norm(x, (width,), W[name], None, 1e-5)


def rotate(x, angle):
    c, s = torch.cos(angle), torch.sin(angle)
    u, v = x[..., 0::2], x[..., 1::2]
    return torch.stack((u * c - v * s, u * s + v * c), -1).flatten(-2)


def logits(tokens):
    B, T = tokens.shape
    seen = torch.tril(torch.ones(T, T, dtype=torch.bool, device=device))
    x = norm(W["embed"][tokens], "embed_norm")
    for l in range(L):
        h = norm(x, f"{l}.norm1")
        q, k, v = (h @ W[f"{l}.qkv"].T).view(B, T, 3, H, d).permute(2, 0, 3, 1, 4)
        beta = 1 + torch.tanh(h @ W[f"{l}.beta"].T) if turning else torch.ones(B, T, H, device=device)
        angle = torch.cumsum(beta.double(), 1).transpose(1, 2)[..., None] * theta
        angle = (angle % (2 * math.pi)).float()
        s = rotate(q, angle) @ rotate(k, angle).transpose(-1, -2) / math.sqrt(d)
        decay = torch.zeros((), device=device)
        if gated:
            A = torch.cumsum(F.logsigmoid(h @ W[f"{l}.gate"].T + W[f"{l}.gate_bias"]), 1).transpose(1, 2)
            decay = (A[..., :, None] - A[..., None, :]).masked_fill(~seen, 0)
        if softmax:
            y = torch.softmax((s + decay).masked_fill(~seen, -math.inf), -1) @ v
        else:
            weight = s * s * torch.exp(decay) * seen
            total = weight.sum(-1, keepdim=True)
            y = weight @ v / torch.where(total > 0, total, 1)
        x = x + y.transpose(1, 2).reshape(B, T, H * d) @ W[f"{l}.o"].T
        h = norm(x, f"{l}.norm2")
        x = x + F.gelu(h @ W[f"{l}.up"].T, approximate="tanh") @ W[f"{l}.down"].T
    return norm(x, "norm") @ W["embed"].T


def losses(rows):
    rows = torch.as_tensor(np.stack(rows).astype(np.int64), device=device)
    with torch.autocast(device, torch.bfloat16, enabled=args.bfloat16):
        return F.cross_entropy(logits(rows[:, :-1]).transpose(1, 2), rows[:, 1:], reduction="none")


matrices = [w for w in W.values() if w.ndim == 2]
vectors = [w for w in W.values() if w.ndim == 1]
groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
optimizer = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95), eps=1e-8)
share = np.array(cuts, float) / sum(cuts)
start = time.time()
for step in range(1, steps + 1):
    progress = (step - warmup) / (steps - warmup)
    for group in optimizer.param_groups:
        cosine = 0.1 + 0.9 * (1 + math.cos(math.pi * progress)) / 2
        group["lr"] = rate * (step / warmup if step <= warmup else cosine)
    rows = []
    for book in random.choice(len(books), batch, p=share):
        at = random.integers(0, cuts[book] - context)
        rows.append(books[book][at : at + context + 1])
    loss = losses(rows).mean()
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(W.values(), 1.0)
    optimizer.step()
    if step % 100 == 0:
        print(f"step {step}, loss {loss.item():.3f}, {time.time() - start:.0f} s", flush=True)

# The same streams as in `sympow compare`, and the one that each held-out part begins with.
places = [(b, at) for b, book in enumerate(books) for at in range(cuts[b], len(book) - length, length + 1)]
places = [places[i * len(places) // streams] for i in range(streams)]
read = min(args.length or length, length)
with torch.no_grad():
    found = torch.cat([losses([books[b][at : at + read + 1]]).cpu() for b, at in places])
    first = torch.cat([losses([book[cut : cut + read + 1]]).cpu() for book, cut in zip(books, cuts)])
edges = [0] + [2**i for i in range(6, 14)]
for low, high in zip(edges, edges[1:]):
    if high <= read:
        print(f"{args.variant} {low}-{high}: {found[:, low:high].mean():.3f}, first streams {first[:, low:high].mean():.3f}")
