"""The data of a study in one file, from which a machine without an encoder trains and evaluates."""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from course_utils.codec.loop_filter.filter_data import FilterData, TestPicture
from course_utils.errors import CourseError


def save(data: FilterData, path: Path | str) -> None:
    """Write all of `data` as one safetensors file."""
    tensors = {"originals": data.originals, "decoded": data.decoded, "qps": data.qps}
    for name, test in data.tests.items():
        tensors[f"tests/{name}/original"] = test.original
        tensors[f"tests/{name}/decoded"] = test.decoded
        figures = [test.bits, test.filtered_bits, test.filtered_psnr]
        tensors[f"tests/{name}/figures"] = torch.tensor(figures, dtype=torch.float64)
    # Copies, since safetensors refuses tensors that share memory.
    copies = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}
    save_file(copies, str(path))


def load(path: Path | str) -> FilterData:
    """What `save` wrote. Raises `CourseError` for a file that is missing, cut short or of another kind."""
    try:
        with safe_open(str(path), framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        names = dict.fromkeys(name.split("/")[1] for name in tensors if name.startswith("tests/"))
        tests = {}
        for name in names:
            figures = tensors[f"tests/{name}/figures"].tolist()
            tests[name] = TestPicture(tensors[f"tests/{name}/original"], tensors[f"tests/{name}/decoded"], *figures)
        return FilterData(tensors["originals"], tensors["decoded"], tensors["qps"], tests)
    except (SafetensorError, OSError, KeyError) as error:
        raise CourseError(f"{path} holds no loop-filter data ({error}): write it with --prepare") from None
