"""Times training steps of plain PyTorch: the model of shared/model, its first weights, its batches.

Reads input.safetensors and task.json of the folder that it is given (see training-speed.ts) and prints
one JSON object. Written as one would without us: embedding bags, dense AdamW, no compiled parts.
"""

import json
import math
import resource
import struct
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

TYPES = {"F32": torch.float32, "I32": torch.int32}


def read_arrays(file: Path) -> dict[str, torch.Tensor]:
    data = bytearray(file.read_bytes())
    (length,) = struct.unpack("<Q", data[:8])
    arrays = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        first, end = entry["data_offsets"]
        values = torch.empty(0, dtype=TYPES[entry["dtype"]])
        if end > first:
            count = (end - first) // 4
            values = torch.frombuffer(data, dtype=TYPES[entry["dtype"]], count=count, offset=8 + length + first)
        arrays[name] = values.reshape(entry["shape"]).clone()
    return {name: array.long() if array.dtype == torch.int32 else array for name, array in arrays.items()}


def rms_norm(x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * scale


class Model(torch.nn.Module):
    def __init__(self, task: dict, arrays: dict[str, torch.Tensor]) -> None:
        super().__init__()
        self.task = task
        self.arrays = arrays
        weights = {name[8:]: array for name, array in arrays.items() if name.startswith("weights.")}
        self.names = {name: name.replace(".", "_") for name in weights}
        for name, array in weights.items():
            self.register_parameter(self.names[name], torch.nn.Parameter(array))
        farthest = task["maxLength"]
        position = torch.arange(farthest)
        self.distances = (position[:, None] - position[None, :]).clamp(0, farthest - 1)
        self.future = torch.full((farthest, farthest), -1e9).triu(1)

    def weight(self, name: str) -> torch.Tensor:
        return getattr(self, self.names[name])

    def drop(self, x: torch.Tensor) -> torch.Tensor:
        return F.dropout(x, self.task["dropout"], self.training)

    def bags(self, name: str) -> torch.Tensor:
        rows, weights, starts = (self.arrays[f"{name}.{part}"] for part in ("rows", "weights", "starts"))
        return F.embedding_bag(
            rows, self.weight("table"), starts, mode="sum", per_sample_weights=weights, include_last_offset=True
        )

    def items(self) -> torch.Tensor:
        """[I, D]"""
        columns = self.bags("metadata").reshape(-1, self.task["columns"] * self.task["rowWidth"])
        key = self.bags("key").reshape(-1, self.task["width"])
        if self.training:
            key = key * (torch.rand(len(key), 1) >= self.task["keyDropout"])
        return rms_norm(columns @ self.weight("items.projection"), self.weight("items.norm")) + key

    def attention(self, x: torch.Tensor, block: str) -> torch.Tensor:
        sessions, length, width = x.shape
        heads = self.task["heads"]
        split = (x @ self.weight(f"{block}.attention.projection")).view(sessions, length, 3, heads, width // heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)  # each [B, H, N, D / H]
        distances = self.distances[:length, :length]
        bias = self.weight(f"{block}.attention.distance")[distances].permute(2, 0, 1)
        scores = query @ key.transpose(-2, -1) / math.sqrt(width // heads) + bias + self.future[:length, :length]
        attended = self.drop(scores.softmax(-1)) @ value
        return attended.transpose(1, 2).reshape(sessions, length, width) @ self.weight(f"{block}.attention.output")

    def feed_forward(self, x: torch.Tensor, block: str) -> torch.Tensor:
        inner = x @ self.weight(f"{block}.feedforward.up") + self.weight(f"{block}.feedforward.upBias")
        inner = inner * torch.sigmoid(1.702 * inner)
        return inner @ self.weight(f"{block}.feedforward.down") + self.weight(f"{block}.feedforward.downBias")

    def sessions(self, vectors: torch.Tensor, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """[B, N, D]"""
        x = F.embedding(batch["items"], vectors) * math.sqrt(self.task["width"])
        x = x + F.embedding(batch["types"], self.weight("session.types"))
        x = x + F.embedding(batch["gaps"], self.weight("session.gaps"))
        x = self.drop(x + self.weight("session.positions")[: x.shape[1]])
        for number in range(self.task["blocks"]):
            block = f"block{number}"
            x = x + self.drop(self.attention(rms_norm(x, self.weight(f"{block}.attention.norm")), block))
            x = x + self.drop(self.feed_forward(rms_norm(x, self.weight(f"{block}.feedforward.norm")), block))
        return rms_norm(x, self.weight("session.norm"))

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        vectors = self.items()
        states = self.sessions(vectors, batch).flatten(0, 1)[batch["places"]]  # [T, D]
        loss = F.cross_entropy(states @ vectors.T, batch["targets"])
        level = 0
        while self.task["categoryLossWeight"] > 0 and f"classes{level}" in self.arrays:
            classes = self.arrays[f"classes{level}"][batch["targets"]]
            logits = states @ self.weight(f"category{level}.weight") + self.weight(f"category{level}.bias")
            known = (classes >= 0).sum().clamp(min=1)
            category = F.cross_entropy(logits, classes, ignore_index=-1, reduction="sum") / known
            loss = loss + self.task["categoryLossWeight"] * category
            level += 1
        return loss


def adam_w(model: Model, task: dict) -> torch.optim.Optimizer:
    settings = task["optimizer"]
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings["weightDecay"]},
        {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0},
    ]
    betas = (settings["beta1"], settings["beta2"])
    return torch.optim.AdamW(groups, lr=task["rate"], betas=betas, fused=True)


def megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    folder = Path(sys.argv[1])
    task = json.loads((folder / "task.json").read_text())
    arrays = read_arrays(folder / "input.safetensors")
    torch.manual_seed(1)
    torch.set_num_threads(2)
    model = Model(task, arrays)
    optimizer = adam_w(model, task)
    parts = {"data": 0.0, "forward": 0.0, "backward": 0.0, "update": 0.0}
    memory = []
    examples = 0

    def batch_of(number: int) -> dict[str, torch.Tensor]:
        names = ("items", "types", "gaps", "places", "targets")
        return {name: arrays[f"batch{number}.{name}"] for name in names}

    model.eval()
    with torch.no_grad():
        first_loss = model(batch_of(0)).item()
    model.train()

    for number in range(task["warmUpSteps"] + task["steps"]):
        laps = [time.perf_counter()]
        batch = batch_of(number)
        laps.append(time.perf_counter())
        loss = model(batch)
        last_loss = loss.item()
        laps.append(time.perf_counter())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        laps.append(time.perf_counter())
        torch.nn.utils.clip_grad_norm_(model.parameters(), task["optimizer"]["clipNorm"])
        optimizer.step()
        laps.append(time.perf_counter())
        timed = number + 1 - task["warmUpSteps"]
        if timed < 1:
            continue
        examples += len(batch["targets"])
        for part, start, end in zip(parts, laps, laps[1:]):
            parts[part] += end - start
        if timed >= task["earlyStep"] and timed % task["stepsPerReading"] == 0:
            memory.append({"step": timed, "megabytes": megabytes()})

    seconds = sum(parts.values())
    measured = {
        "msPerStep": 1000 * seconds / task["steps"],
        "examplesPerSecond": examples / seconds,
        "shares": {part: spent / seconds for part, spent in parts.items()},
        "firstLoss": first_loss,
        "lastLoss": last_loss,
        "memory": memory,
        "peakMegabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    json.dump(measured, sys.stdout)


if __name__ == "__main__":
    main()
