"""Times the training of one of our networks in PyTorch: pytorch_training.py WORK.safetensors THREADS

WORK, written by the bench `speed`, holds the network's sizes and weights, some batches as rows of its tables, and the
loss and the gradient's length that our trainer finds on the first batch without dropout. Here the same network is
built, the same weights are put into it, and nothing is timed unless it has as many parameters and finds the same loss
and gradient. Then each batch is learned as the trainer does: dropout, loss, gradient, clipping, AdamW, averaged
weights. Prints what each update took, in microseconds, as a JSON list.

Where PyTorch offers several ways, the fastest that was found is taken: EmbeddingBag for the sums of embeddings, the
fused LSTM and AdamW; for the dilated convolutions see Gate.
"""

import json
import struct
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

LETTERS = "SATB"


def read(path):
    """The metadata and the arrays of a .safetensors file."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    kinds = {"F32": np.float32, "U32": np.uint32}
    arrays = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            arrays[name] = np.frombuffer(memoryview(data)[start:end], kinds[entry["dtype"]]).reshape(entry["shape"])
    return json.loads(header["__metadata__"]["work"]), arrays


class Gate(nn.Module):
    """A causal dilated convolution, (B, C, T) to (B, 2C, T)."""

    def __init__(self, channels, kernel, dilation):
        super().__init__()
        self.past = (kernel - 1) * dilation
        self.conv = nn.Conv1d(channels, 2 * channels, kernel, dilation=dilation)

    def forward(self, x):
        return self.conv(F.pad(x, (self.past, 0)))


class Wavenet(nn.Module):
    def __init__(self, channels, kernel, dilations, context, dropout):
        super().__init__()
        self.gates = nn.ModuleList(Gate(channels, kernel, dilation) for dilation in dilations)
        self.residuals = nn.ModuleList(nn.Conv1d(channels, channels, 1) for _ in dilations)
        self.context = nn.Conv1d(len(dilations) * channels, context, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):  # (B, T, C) to (B, T, context)
        x = x.transpose(1, 2)
        units = []
        for index, (gate, residual) in enumerate(zip(self.gates, self.residuals)):
            filters, gates = gate(x).chunk(2, 1)
            z = self.dropout(torch.tanh(filters) * torch.sigmoid(gates))
            units.append(z)
            if index + 1 < len(self.gates):  # behind the last nothing listens
                x = x + residual(z)
        return F.relu(self.context(torch.cat(units, 1))).transpose(1, 2)

    def load(self, arrays):
        for index, (gate, residual) in enumerate(zip(self.gates, self.residuals)):
            weight = arrays[f"trunk.{index}.gate.weight"]  # (kernel · C, 2C), the oldest tap first
            channels = weight.shape[1] // 2
            put(gate.conv.weight, weight.reshape(-1, channels, 2 * channels).transpose(2, 1, 0))
            put(gate.conv.bias, arrays[f"trunk.{index}.gate.bias"])
            put(residual.weight, arrays[f"trunk.{index}.residual.weight"].T[:, :, None])
            put(residual.bias, arrays[f"trunk.{index}.residual.bias"])
        put(self.context.weight, arrays["trunk.context.weight"].T[:, :, None])
        put(self.context.bias, arrays["trunk.context.bias"])


class Lstm(nn.Module):
    def __init__(self, inputs, hidden, layers, dropout):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.LSTM(inputs if layer == 0 else hidden, hidden, batch_first=True) for layer in range(layers)
        )
        for layer in self.layers:
            # One bias is enough; PyTorch's second is held at zero and counts for nothing.
            layer.bias_hh_l0.requires_grad_(False).zero_()
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):  # (B, T, inputs) to (B, T, layers · hidden)
        outputs = []
        for layer in self.layers:
            h, _ = layer(x)
            outputs.append(h)
            x = self.dropout(h)
        return torch.cat(outputs, 2)

    def load(self, arrays):
        for index, layer in enumerate(self.layers):
            def gates(name):  # ours: input, forget, output, cell; PyTorch's: input, forget, cell, output
                first, second, output, cell = np.split(arrays[f"trunk.{index}.{name}"].T, 4)
                return np.concatenate([first, second, cell, output])

            put(layer.weight_ih_l0, gates("input.weight"))
            put(layer.bias_ih_l0, gates("input.bias"))
            put(layer.weight_hh_l0, gates("recurrent"))


class Head(nn.Module):
    def __init__(self, context, rows, width, outputs, tokens, dropout):
        super().__init__()
        self.context = nn.Linear(context, width)
        self.tokens = nn.EmbeddingBag(rows, width, mode="sum")
        self.output = nn.Linear(width, outputs)
        self.dropout = nn.Dropout(dropout)
        self.vocabulary = tokens

    def forward(self, context, rows, names):
        hidden = self.dropout(F.relu(self.context(context) + self.tokens(rows)))
        output = self.output(hidden)
        named = output.gather(1, names).view(len(names), -1, self.vocabulary).sum(1)
        return (output[:, : self.vocabulary] + named).clamp(min=-50.0)


class Network(nn.Module):
    def __init__(self, work, arrays):
        super().__init__()
        trunk, dropout = dict(work["trunk"]), work["dropout"]
        kind = trunk.pop("architecture")
        if kind == "wavenet":
            self.trunk = Wavenet(**trunk, dropout=dropout)
        else:
            self.trunk = Lstm(trunk["input"], trunk["hidden"], trunk["layers"], dropout)
        self.input = nn.EmbeddingBag(*arrays["input"].shape, mode="sum")
        self.order = work["order"]
        heads = {}
        for letter in self.order:
            context, width = arrays[f"head.{letter}.context.weight"].shape
            rows = arrays[f"head.{letter}.tokens"].shape[0]
            outputs = arrays[f"head.{letter}.output.weight"].shape[1]
            heads[letter] = Head(context, rows, width, outputs, work["tokens"], dropout)
        self.heads = nn.ModuleDict(heads)
        self.dropout = nn.Dropout(dropout)
        self.trunk.load(arrays)
        put(self.input.weight, arrays["input"])
        for letter, head in self.heads.items():
            put(head.tokens.weight, arrays[f"head.{letter}.tokens"])
            for name, linear in (("context", head.context), ("output", head.output)):
                put(linear.weight, arrays[f"head.{letter}.{name}.weight"].T)
                put(linear.bias, arrays[f"head.{letter}.{name}.bias"])

    def forward(self, batch):
        """The mean nats per note."""
        pieces, steps = batch["shape"]
        embedded = self.dropout(self.input(batch["inputs"])).view(pieces, steps, -1)
        context = self.trunk(embedded).flatten(0, 1).index_select(0, batch["rows"])
        context = self.dropout(context)
        nats = 0.0
        for place, letter in enumerate(self.order):
            logits = self.heads[letter](context, batch["heads"][place], batch["names"][place])
            nats = nats + F.cross_entropy(logits, batch["now"][LETTERS.index(letter)], reduction="sum")
        return nats / batch["notes"]


def put(parameter, values):
    assert tuple(parameter.shape) == values.shape, f"{tuple(parameter.shape)} is not {values.shape}"
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(np.ascontiguousarray(values)))


def batches(work, arrays):
    def indices(name):
        return torch.from_numpy(arrays[name].astype(np.int64))

    for index, shape in enumerate(work["shapes"]):
        now = [indices(f"{index}.now.{part}") for part in range(4)]
        yield {
            "shape": shape,
            "inputs": indices(f"{index}.inputs"),
            "rows": indices(f"{index}.rows"),
            "heads": [indices(f"{index}.heads.{place}") for place in range(4)],
            "names": [indices(f"{index}.names.{place}") for place in range(4)],
            "now": now,
            "notes": 4 * len(now[0]),
        }


def same(what, ours, theirs):
    if not abs(ours - theirs) <= 1e-4 * abs(ours):
        sys.exit(f"not the same network: {what} is {ours} in the trainer and {theirs} here")


def main():
    work, arrays = read(sys.argv[1])
    torch.set_num_threads(int(sys.argv[2]))
    torch.manual_seed(1)
    network = Network(work, arrays)
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    same("the number of parameters", work["parameters"], sum(parameter.numel() for parameter in learned))
    all_batches = list(batches(work, arrays))
    network.eval()
    loss = network(all_batches[0])
    same("the loss", work["loss"], loss.item())
    loss.backward()
    same("the gradient's length", work["gradient"], nn.utils.get_total_norm(
        [parameter.grad for parameter in learned if parameter.grad is not None]).item())

    network.train()
    decayed = [parameter for parameter in learned if parameter.dim() > 1]
    others = [parameter for parameter in learned if parameter.dim() == 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": work["weight_decay"]}, {"params": others, "weight_decay": 0.0}],
        lr=work["learning_rate"], betas=(0.9, 0.98), fused=True,
    )
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(work["average_decay"]))
    times = []
    for number in range(work["warm_up"] + work["updates"]):
        started = time.perf_counter()
        optimizer.zero_grad()
        loss = network(all_batches[number % len(all_batches)])
        loss.backward()
        nn.utils.clip_grad_norm_(learned, work["clip"])
        optimizer.step()
        average.update_parameters(network)
        assert np.isfinite(loss.item())
        times.append(1e6 * (time.perf_counter() - started))
    print(json.dumps(times[work["warm_up"]:]))


main()
