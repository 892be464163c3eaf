"""What a false QP does to the shipped loop filter, told to its gates and to the scale of its correction apart.

    python solutions/lab08/study/lies.py

The QP enters the network in two places: the gates are told it, and the correction is multiplied by the quantiser's
step. Here each gets a QP of its own. Stored beside this file: the mean change of PSNR in dB, over the twelve test
pictures, that the filter makes. Nothing is trained or chosen. A minute on one core.
"""

import json
import statistics
from pathlib import Path

import torch
import typer
from torch import Tensor

from course_utils.codec import encoders, metrics
from course_utils.codec.loop_filter import networks
from course_utils.command import app, notebooks
from course_utils.data import codec_pictures

TABLE = Path(__file__).with_suffix(".json")
CASES = (  # the pictures' QP, the one that the gates are told, the one whose step scales the correction
    *((22, 22, 22), (22, 32, 32), (22, 32, 22), (22, 22, 32)),
    *((37, 37, 37), (37, 22, 22), (37, 22, 37), (37, 37, 22)),
)


@torch.no_grad()
def filtered(net: networks.LoopFilter, picture: Tensor, gates: int, scale: int) -> Tensor:
    """A decoded picture (1, H, W) uint8 after the filter whose gates and scale hear these QPs: the same shape."""
    pixels = picture[:, None].float() / 255
    told = torch.tensor([float(gates)])
    correction = net(pixels, told) - pixels
    rescaled = correction * networks.step_size(torch.tensor(float(scale))) / networks.step_size(told)
    return ((pixels + rescaled) * 255).round().clamp(0, 255)[:, 0].to(torch.uint8)


def main() -> None:
    """Measure the cases and store them."""
    net, table = networks.shipped(), []
    originals = [picture[None] for picture in codec_pictures.held_out().values()]
    decoded = {
        qp: [encoders.decode(encoders.x265(each, qp, deblock=False, sao=False)) for each in originals]
        for qp in sorted({case[0] for case in CASES})
    }
    for qp, gates, scale in CASES:
        changes = [
            (metrics.psnr(filtered(net, before, gates, scale), original) - metrics.psnr(before, original)).item()
            for before, original in zip(decoded[qp], originals, strict=True)
        ]
        table.append({"pictures": qp, "gates": gates, "scale": scale, "psnr": round(statistics.mean(changes), 3)})
        typer.echo(json.dumps(table[-1]))
    notebooks.write_text(TABLE, "[\n" + ",\n".join(json.dumps(row) for row in table) + "\n]\n")


if __name__ == "__main__":
    app.run(lambda: typer.run(main))
