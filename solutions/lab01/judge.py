"""Hidden tests of lab 01, Convolution. Points per exercise are those of the notebook's checks."""

import torch
import torch.nn.functional as F
from torch import Tensor

from course_tools.grader.judge.hidden_tests import check, draw, expect_tensor, expect_values, hidden_test, pick
from course_utils.compare import same
from course_utils.data import fashion_mnist

DILATIONS = ((1, 2), (2, 1), (3, 2))


def _depthwise_case(generator) -> tuple[Tensor, Tensor]:
    """A picture and its kernels, two to four for each channel; sides, channels and maps all differ."""
    channels, maps = (2, 3) if pick(generator, 0, 1) else (3, 4)
    x = draw(generator, 2, channels, pick(generator, 9, 11), pick(generator, 12, 14))
    return x, draw(generator, channels, maps, pick(generator, 2, 3), pick(generator, 3, 4))


def _depthwise(x: Tensor, weight: Tensor, stride: int = 1, dilation: tuple[int, int] = (1, 1)) -> Tensor:
    return F.conv2d(x, weight.flatten(0, 1)[:, None], None, stride, 0, dilation, groups=len(weight))


@hidden_test("check_depthwise", points=1.5, hint="pictures and kernels need not be square; the maps come by channel")
def depthwise_plain(student, generator):
    for _ in range(5):
        x, weight = _depthwise_case(generator)
        same(student.depthwise(x, weight), _depthwise(x, weight), "depthwise")
    x, weight = draw(generator, 1, 4, 3, 5), draw(generator, 4, 2, 3, 5)
    same(student.depthwise(x, weight), _depthwise(x, weight), "a kernel as large as the picture")


@hidden_test("check_depthwise", points=1.5, hint="the first number of the dilation belongs to the rows")
def depthwise_dilated(student, generator):
    for dilation in DILATIONS:
        x, weight = _depthwise_case(generator)
        expected = _depthwise(x, weight, dilation=dilation)
        same(student.depthwise(x, weight, dilation=dilation), expected, f"depthwise, dilation {dilation}")


@hidden_test("check_depthwise", points=1, hint="a stride that does not divide leaves pixels over; dilation counts, too")
def depthwise_with_both(student, generator):
    for stride, dilation in ((2, (1, 1)), (3, (2, 1)), (2, (1, 3)), (4, (2, 2))):
        x, weight = _depthwise_case(generator)
        expected = _depthwise(x, weight, stride, dilation)
        same(student.depthwise(x, weight, stride, dilation), expected, f"depthwise, {stride}, {dilation}")


def _same_padding(size: int, kernel: int, stride: int = 1, dilation: int = 1) -> tuple[int, int]:
    missing = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return missing // 2, missing - missing // 2


def _padding_is_right(student, *case: int) -> None:
    came = expect_values(student.same_padding(*case), 2, f"same_padding{case}")
    same(list(came), list(_same_padding(*case)), f"same_padding{case}", tolerance=0)


@hidden_test("check_same_padding", points=1, hint="an even and an odd number of zeros, a size that the stride divides")
def padding_over_a_grid(student, generator):
    for _ in range(60):
        _padding_is_right(student, *(pick(generator, *ends) for ends in ((6, 40), (2, 7), (1, 3), (1, 3))))


@hidden_test("check_same_padding", points=1, hint="is anything missing where the stride is larger than the kernel?")
def padding_where_little_is_missing(student, generator):
    for case in ((9, 1, 2, 1), (12, 2, 4, 1), (10, 3, 5, 1), (7, 1, 1, 3), (6, 2, 1, 5), (10, 4)):
        _padding_is_right(student, *case)


def _backward_case(student, generator, **options):
    x, weight = (each.requires_grad_() for each in _depthwise_case(generator))
    y = _depthwise(x, weight, **options)
    grad = draw(generator, *y.shape)
    expected = torch.autograd.grad(y, (x, weight), grad)
    return student.depthwise_backward(x.detach(), weight.detach(), grad, **options), expected


@hidden_test("check_depthwise_backward", points=2, hint="each gradient has the shape of what it belongs to")
def gradient_without_options(student, generator):
    for _ in range(4):
        came, expected = _backward_case(student, generator)
        same(came, expected, "gradients")


@hidden_test("check_depthwise_backward", points=1.5, hint="the taps of a dilated kernel meet pixels that lie apart")
def gradient_with_dilation(student, generator):
    for dilation in DILATIONS:
        came, expected = _backward_case(student, generator, dilation=dilation)
        same(came, expected, f"gradients at dilation {dilation}")


@hidden_test("check_depthwise_backward", points=1.5, hint="pixels that no tap has met have the gradient 0")
def gradient_with_stride(student, generator):
    for stride, dilation in ((2, (1, 1)), (3, (1, 2)), (4, (1, 1))):
        came, expected = _backward_case(student, generator, stride=stride, dilation=dilation)
        same(came, expected, f"gradients at stride {stride}, dilation {dilation}")


def _pooling_case(student, generator, kernel: int, stride: int) -> None:
    height, width = pick(generator, 6, 9), pick(generator, 10, 12)
    x = draw(generator, 2, 3, height, width).requires_grad_()
    y = F.avg_pool2d(x, kernel, stride)
    grad = draw(generator, *y.shape)
    (expected,) = torch.autograd.grad(y, x, grad)
    came = student.avg_pool2d_backward(grad, (height, width), kernel, stride)
    same(came, expected, f"the gradient of average pooling, kernel {kernel}, stride {stride}")


@hidden_test("check_avg_pool2d_backward", points=1, hint="every pixel of a window has the same share in its mean")
def pooling_without_overlap(student, generator):
    for kernel, stride in ((2, 2), (3, 3), (2, 4)):
        _pooling_case(student, generator, kernel, stride)


@hidden_test("check_avg_pool2d_backward", points=2, hint="a pixel in several windows gets something from each")
def pooling_with_overlap(student, generator):
    for kernel, stride in ((3, 2), (2, 1), (4, 3), (5, 1)):
        _pooling_case(student, generator, kernel, stride)


def _fold_case(student, generator, groups: int, *, with_bias: bool, eps: float | None = None) -> None:
    per_group, outputs = pick(generator, 2, 3), groups * pick(generator, 4, 5)
    mean, beta, gamma = draw(generator, 3, groups * per_group)
    variance = draw(generator, groups * per_group).square() + 0.1
    weight = draw(generator, outputs, per_group, 2, 3)
    bias = draw(generator, outputs) if with_bias else None
    options = {"groups": groups} if groups > 1 else {}
    options |= {} if eps is None else {"eps": eps}
    came = student.fold_norm(weight, bias, mean, variance, gamma, beta, **options)
    tap, added = expect_values(came, 2, "fold_norm")
    factor = gamma / torch.sqrt(variance + (1e-5 if eps is None else eps))
    seen = torch.arange(groups * per_group).view(groups, per_group).repeat_interleave(outputs // groups, dim=0)
    same(tap, weight * factor[seen][..., None, None], f"the weight, {options}")
    shift = (beta - factor * mean)[seen][..., None, None]
    expected = (weight * shift).sum(dim=(1, 2, 3)) + (0 if bias is None else bias)
    same(added, expected, f"the bias, {options}")


@hidden_test("check_fold_norm", points=2, hint="the factor belongs to an input channel, the bias to an output channel")
def folding_of_one_group(student, generator):
    for with_bias in (True, False, True):
        _fold_case(student, generator, 1, with_bias=with_bias)


@hidden_test("check_fold_norm", points=1.5, hint="with groups, which input channels does an output see?")
def folding_of_groups(student, generator):
    for groups in (2, 3, 4):
        _fold_case(student, generator, groups, with_bias=groups < 4)


@hidden_test("check_fold_norm", points=0.5, hint="eps stands under the root, and may be large")
def folding_with_a_large_eps(student, generator):
    for eps in (0.1, 1.0):
        _fold_case(student, generator, 1, with_bias=True, eps=eps)


def _on_canvas(images: Tensor, generator) -> Tensor:
    """Halved to 14×14, each at a random place of a black 28×28."""
    canvas = torch.zeros(len(images), 1, 28, 28)
    for place, garment in zip(canvas, F.avg_pool2d(images, 2), strict=True):
        top, left = pick(generator, 0, 14), pick(generator, 0, 14)
        place[:, top : top + 14, left : left + 14] = garment
    return canvas


@hidden_test("check_train_cnn", points=4, hint="1,500 garments are enough for 0.69; is the network in evaluation mode?")
def a_trained_network_finds_garments_that_it_never_saw(student, generator):
    train_set, _, test_set = fashion_mnist.load_three()
    rows = torch.randperm(len(train_set), generator=generator)[:1500]
    images, labels = train_set[rows]
    network = student.new("train_cnn", F.avg_pool2d(images, 2), labels, seed=pick(generator, 0, 10**6))
    count = sum(value.numel() for value in network.state().values())
    check(count <= 10_500, f"{count:,} numbers in the state")  # 10,000 parameters, and buffers
    some = torch.randperm(len(test_set), generator=generator)[:1000]
    images, labels = test_set[some]
    canvas = _on_canvas(images, generator)
    scores = expect_tensor(network(canvas), (1000, 10), "scores").double()
    reached = (scores.argmax(dim=1) == labels).float().mean().item()
    check(reached >= 0.69, f"accuracy {reached:.3f} on unseen canvases")
    same(network(canvas[:1]), scores[:1], "scores of one canvas alone", tolerance=1e-4)
