"""PyTorch as a contestant: natural eager code for every case, on the CPU.

    python3 torch_peer.py <threads>

Reads one JSON request a line from standard input, answers on file descriptor 3. Inputs are files of raw float32;
results that are to be checked are written to a file in the same form. Without PyTorch it answers every request with
`cannot`.
"""
import ctypes
import json
import math
import os
import platform
import resource
import sys
import time

THREADS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
try:
    import torch
    from torch import nn
    import torch.nn.functional as F

    torch.set_num_threads(THREADS)
    MISSING = None
except ImportError as error:
    MISSING = f"PyTorch is not installed here ({error})"


class Cannot(Exception):
    pass


def load(spec):
    with open(spec["path"], "rb") as file:
        return torch.frombuffer(bytearray(file.read()), dtype=torch.float32).reshape(spec["shape"])


# Each maker takes (inputs, settings) and returns (run, check); check may be None where run's result is compared.


def matmul(x, s):
    a = x["a"].T if s["transposeA"] else x["a"]
    b = x["b"].T if s["transposeB"] else x["b"]
    return lambda: a @ b, None


def dense_silu(x, s):
    weight = x["b"].T.contiguous()
    return lambda: F.silu(F.linear(x["a"], weight, x["bias"])), None


def unary(x, s):
    f = {"softplus": F.softplus, "silu": F.silu}.get(s["name"]) or getattr(torch, s["name"])
    return lambda: f(x["x"]), None


def normal(x, s):
    n = int(s["count"])

    def check():
        y = torch.randn(n)
        return torch.stack([y.mean(), (y**2).mean(), (y**4).mean()])

    return lambda: torch.randn(n), check


def conv2d(x, s, gradients=False):
    image = x["x"].permute(0, 3, 1, 2).contiguous()
    kernel = x["w"].permute(3, 2, 0, 1).contiguous()
    if not gradients:
        return lambda: F.conv2d(image, kernel, padding=1), lambda: F.conv2d(image, kernel, padding=1).permute(0, 2, 3, 1)
    image.requires_grad_()
    kernel.requires_grad_()
    dy = x["dy"].permute(0, 3, 1, 2).contiguous()

    def run():
        return torch.autograd.grad(F.conv2d(image, kernel, padding=1), [image, kernel], dy)

    def check():
        dx, dw = run()
        return torch.cat([dx.permute(0, 2, 3, 1).reshape(-1), dw.permute(2, 3, 1, 0).reshape(-1)])

    return run, check


def combine(x, s):
    a, b, c = s["a"], s["b"], s["c"]
    if c == 0:
        return lambda: a * x["x"] + b * x["s"], None

    def run():
        return a * x["x"] + b * x["s"] + c * torch.randn_like(x["x"])

    def check():
        added = (run() - a * x["x"] - b * x["s"]) / c
        return torch.stack([added.mean(), (added**2).mean()])

    return run, check


def posterior_mean(x, centres, variance, noise_variance):
    v = variance + noise_variance
    r = torch.softmax(-torch.cdist(x, centres) ** 2 / (2 * v), dim=1)
    return (1 - variance / v) * (r @ centres) + (variance / v) * x


def softmax_mean(x, s):
    return lambda: posterior_mean(x["x"], x["centres"], s["variance"], s["noiseVariance"]), None


def pairwise_sum_distance(x, s):
    return lambda: torch.cdist(x["x"], x["y"]).sum(1), None


def mixture_score(inputs, s):
    centres, variance = inputs["centres"], s["variance"]

    def score(x, alpha, noise):
        v = alpha**2 * variance + noise
        means = alpha * centres
        r = torch.softmax(-((x[:, None, :] - means) ** 2).sum(2) / (2 * v), dim=1)
        return (r @ means - x) / v

    return score


def perceptron_score(inputs, s):
    layers = int(s["layers"])
    weights = [inputs[f"w{i}"].T.contiguous() for i in range(layers)]
    biases = [inputs[f"b{i}"] for i in range(layers)]

    def score(x, alpha, noise):
        for i in range(layers - 1):
            x = F.silu(F.linear(x, weights[i], biases[i]))
        return F.linear(x, weights[-1], biases[-1])

    return score


def loop(inputs, s, make_score):
    score = make_score(inputs, s)
    d = int(s["d"])
    tables = {name: inputs[name].tolist() for name in ("quiet", "noisy", "table")}

    @torch.no_grad()
    def follow(x, table):
        for a, b, c, alpha, noise in table:
            x = a * x + b * score(x, alpha, noise)
            if c != 0:
                x = x + c * torch.randn_like(x)
        return x

    def draw(n, table):
        return follow(s["prior"] * torch.randn(int(n), d), table)

    def check():
        path = follow(inputs["start"], tables["quiet"])
        drawn = draw(s["checkRows"], tables["noisy"])
        return torch.cat([path.reshape(-1), drawn.mean(0), (drawn**2).mean(0)])

    return lambda: draw(s["n"], tables["table"]), check


def weights_of(inputs):
    return {name[len("weight:"):]: value for name, value in inputs.items() if name.startswith("weight:")}


class Mlp(nn.Module):
    """The residual network of the quickstart."""

    def __init__(self, w, s):
        super().__init__()
        self.blocks = int(s["blocks"])
        half = int(s["features"]) // 2
        self.frequencies = 2 * math.pi * s["lowest"] * (s["highest"] / s["lowest"]) ** (torch.arange(half) / (half - 1))
        self.layers = nn.ModuleDict()
        for name in [n[: -len(".kernel")] for n in w if n.endswith(".kernel") and not n.startswith("label")]:
            kernel, bias = w[f"{name}.kernel"], w[f"{name}.bias"]
            layer = nn.Linear(*kernel.shape)
            layer.weight.data = kernel.T.contiguous()
            layer.bias.data = bias.clone()
            self.layers[name.replace(".", "_")] = layer
        self.label = nn.Parameter(w["label.kernel"].clone())

    def forward(self, x, level, labels):
        angles = level[:, None] * self.frequencies
        e = self.layers["time"](torch.cat([angles.cos(), angles.sin()], 1))
        chosen = self.label[labels.clamp(min=0)] * (labels >= 0)[:, None]
        e = F.silu(e + chosen)
        h = self.layers["input"](x)
        for i in range(self.blocks):
            part = lambda name: self.layers[f"block{i}_{name}"]
            h = h + part("second")(F.silu(part("first")(F.silu(h)) + part("shift")(e)))
        return self.layers["output"](F.silu(h))


class UNet(nn.Module):
    """The small U-Net of the suite, in channels-first order."""

    def __init__(self, w, s):
        super().__init__()
        self.groups = int(s["groups"])
        self.frequencies = 2.0 ** torch.arange(int(s["features"]) // 2) / 4
        self.w = nn.ParameterDict()
        for name, value in w.items():
            if value.dim() == 4:
                # Transposed convolutions hold [height, width, to, from], plain ones [height, width, from, to].
                value = value.permute(3, 2, 0, 1)
            elif value.dim() == 2:
                value = value.T
            self.w[name.replace(".", "_")] = nn.Parameter(value.contiguous().clone())

    def forward(self, x, level, labels=None):
        w = self.w
        conv = lambda n, h, stride=1: F.conv2d(h, w[f"{n}_kernel"], w[f"{n}_bias"], stride, w[f"{n}_kernel"].shape[2] // 2)
        linear = lambda n, h: F.linear(h, w[f"{n}_kernel"], w[f"{n}_bias"])
        norm = lambda n, h: F.group_norm(h, self.groups, w[f"{n}_scale"], w[f"{n}_shift"], 1e-5)
        up = lambda n, h: F.conv_transpose2d(h, w[f"{n}_kernel"], w[f"{n}_bias"], 2)
        angles = level[:, None] * self.frequencies
        e = F.silu(linear("time", torch.cat([angles.cos(), angles.sin()], 1)))

        def block(n, h):
            first = conv(f"{n}_conv1", F.silu(norm(f"{n}_norm1", h))) + linear(f"{n}_embedding", e)[:, :, None, None]
            second = conv(f"{n}_conv2", F.silu(norm(f"{n}_norm2", first)))
            return second + (conv(f"{n}_skip", h) if f"{n}_skip_kernel" in w else h)

        def attention(h):
            batch, channels, height, width = h.shape
            tokens = norm("attention_norm", h).flatten(2).transpose(1, 2)
            q, k, v = linear("attention_qkv", tokens).chunk(3, 2)
            mixed = torch.softmax(q @ k.transpose(1, 2) / math.sqrt(channels), 2) @ v
            return h + linear("attention_out", mixed).transpose(1, 2).reshape(h.shape)

        x = x.reshape(x.shape[0], 1, 28, 28)
        high = block("high", conv("in", x))
        middle = block("middle", conv("down1", high, 2))
        low = attention(block("low", conv("down2", middle, 2)))
        middle_up = block("middleUp", torch.cat([up("up1", low), middle], 1))
        high_up = block("highUp", torch.cat([up("up2", middle_up), high], 1))
        return conv("out", F.silu(norm("out_norm", high_up))).reshape(x.shape[0], 28, 28, 1)


def train(inputs, s, network):
    model = network(weights_of(inputs), s)
    average = [p.detach().clone() for p in model.parameters()]
    data, labels = inputs["data"], inputs["labels"].long()
    sd, batch, steps, classes = s["sigmaData"], int(s["batchSize"]), int(s["steps"]), int(s["classes"])

    def loss_at(x0, sigma, noise, chosen):
        sigma_ = sigma.reshape(-1, *[1] * (x0.dim() - 1))
        scale = 1 / torch.sqrt(sigma_**2 + sd**2)
        skip = sd**2 * scale**2
        out = sigma_ * sd * scale
        f = model((x0 + sigma_ * noise) * scale, sigma.log() / 4, chosen)
        return ((f - ((1 - skip) * x0 - skip * sigma_ * noise) / out) ** 2).mean()

    def check():
        model.zero_grad()
        rows = int(s["checkRows"])
        loss = loss_at(data[:rows], inputs["times"], inputs["noise"], labels[:rows])
        grads = torch.autograd.grad(loss, list(model.parameters()))
        return torch.stack([loss.detach(), torch.sqrt(sum((g**2).sum() for g in grads))])

    def run():
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        for _ in range(steps):
            chosen = torch.randint(len(data), (batch,))
            c = labels[chosen]
            if classes > 0:
                c = torch.where(torch.rand(batch) < 0.1, torch.tensor(-1), c)
            x0 = data[chosen]
            sigma = torch.exp(s["meanLevel"] + s["stdLevel"] * torch.randn(batch))
            loss = loss_at(x0, sigma, torch.randn_like(x0), c)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                for kept, now in zip(average, model.parameters()):
                    kept.lerp_(now, 1e-3)
        return loss

    return run, check


BLOCK = 2000


def blocks(x):
    return x.split(BLOCK)


def pair_mean(x, y, f):
    return sum(f(torch.cdist(piece, y)).double().sum() for piece in blocks(x)) / (len(x) * len(y))


def energy_distance(x, s):
    a, b = x["x"], x["y"]
    mean = lambda u, v: pair_mean(u, v, lambda distance: distance)
    return lambda: 2 * mean(a, b) - mean(a, a) - mean(b, b), None


def mmd_squared(x, s):
    a, b, h = x["x"], x["y"], s["bandwidth"]
    mean = lambda u, v: pair_mean(u, v, lambda distance: torch.exp(-(distance**2) / (2 * h * h)))
    return lambda: mean(a, a) + mean(b, b) - 2 * mean(a, b), None


def nearest_distance(x, s):
    def run():
        nearest = torch.cat([torch.cdist(piece, x["y"], compute_mode="donot_use_mm_for_euclid_dist").min(1).values for piece in blocks(x["x"])])
        return nearest.quantile(0.5)

    return run, None


def sliced_wasserstein(x, s):
    theta = x["directions"].T

    def run():
        a, b = (x["x"] @ theta).sort(0).values, (x["y"] @ theta).sort(0).values
        return ((a - b) ** 2).mean().sqrt()

    return run, None


MAKERS = {
    "matmul": matmul,
    "denseSilu": dense_silu,
    "unary": unary,
    "normal": normal,
    "add": lambda x, s: (lambda: x["x"] + x["y"], None),
    "sum": lambda x, s: (lambda: x["x"].sum(int(s["axis"])), None),
    "softmax": lambda x, s: (lambda: torch.softmax(x["x"], 1), None),
    "conv2d": conv2d,
    "conv2dGradients": lambda x, s: conv2d(x, s, True),
    "combine": combine,
    "softmaxMean": softmax_mean,
    "pairwiseSumDistance": pairwise_sum_distance,
    "mixtureLoop": lambda x, s: loop(x, s, mixture_score),
    "perceptronLoop": lambda x, s: loop(x, s, perceptron_score),
    "trainMlp": lambda x, s: train(x, s, Mlp),
    "trainUnet": lambda x, s: train(x, s, UNet),
    "energyDistance": energy_distance,
    "mmdSquared": mmd_squared,
    "nearestDistance": nearest_distance,
    "slicedWasserstein": sliced_wasserstein,
}

routine = None


def answer(request):
    global routine
    if MISSING:
        raise Cannot(MISSING)
    kind = request["do"]
    if kind == "hello":
        versions = {"torch": torch.__version__, "python": platform.python_version()}
        return {"versions": versions, "threads": torch.get_num_threads()}
    if kind == "prepare":
        maker = MAKERS.get(request["op"])
        if maker is None:
            raise Cannot("no code for it in PyTorch here")
        torch.manual_seed(0)
        inputs = {name: load(spec) for name, spec in request["inputs"].items()}
        run, check = maker(inputs, request["settings"])
        routine = run
        result = (check or run)().detach().reshape(-1).to(torch.float32).contiguous()
        with open(request["output"], "wb") as file:
            file.write(ctypes.string_at(result.data_ptr(), 4 * result.numel()))
        return {}
    if kind == "time":
        run, repetitions = routine, request["repetitions"]
        fastest, least = math.inf, math.inf
        for _ in range(request["bursts"]):
            used, started = time.process_time(), time.perf_counter()
            for _ in range(repetitions):
                run()
            fastest = min(fastest, (time.perf_counter() - started) * 1000 / repetitions)
            least = min(least, (time.process_time() - used) * 1000 / repetitions)
        return {"milliseconds": fastest, "cpu": least}
    if kind == "finish":
        routine = None
        return {"peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
    raise ValueError(f"unknown request {kind}")


replies = os.fdopen(3, "w")
for line in sys.stdin:
    request = json.loads(line)
    try:
        reply = {"id": request["id"], "ok": answer(request)}
    except Cannot as reason:
        reply = {"id": request["id"], "cannot": str(reason)}
    except Exception as error:
        reply = {"id": request["id"], "error": f"{type(error).__name__}: {error}"}
    replies.write(json.dumps(reply) + "\n")
    replies.flush()
