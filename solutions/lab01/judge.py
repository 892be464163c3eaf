"""Hidden tests of lab 01, Convolution. Points per exercise are those of the notebook's checks."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_tools.grader.judge.hidden_tests import check, draw, expect_tensor, hidden_test, pick, raises
from course_utils.compare import same
from course_utils.data import fashion_mnist


def _convolution_case(generator, **fixed) -> tuple[Tensor, Tensor, Tensor, dict]:
    """A picture, a weight, a bias and options that fit each other; sides and channels all differ."""
    groups = fixed.get("groups", 1)
    n, per_group, outputs = pick(generator, 1, 3), pick(generator, 1, 3), groups * pick(generator, 1, 3)
    k_h, k_w = pick(generator, 1, 4), pick(generator, 1, 4)
    height, width = pick(generator, 5, 9), pick(generator, 10, 13)
    x = draw(generator, n, groups * per_group, height, width)
    return x, draw(generator, outputs, per_group, k_h, k_w), draw(generator, outputs), fixed


@hidden_test("check_output_size", points=1, hint="every combination of stride, padding and dilation counts")
def output_size_over_a_grid(student, generator):
    for _ in range(60):
        size, kernel = pick(generator, 6, 40), pick(generator, 1, 6)
        stride, padding, dilation = pick(generator, 1, 4), pick(generator, 0, 5), pick(generator, 1, 3)
        if dilation * (kernel - 1) + 1 > size + 2 * padding:
            continue
        line = torch.empty(1, 1, size, device="meta")
        tap = torch.empty(1, 1, kernel, device="meta")
        expected = F.conv1d(line, tap, None, stride, padding, dilation).shape[-1]
        case = (size, kernel, stride, padding, dilation)
        same(student.output_size(*case), expected, f"output_size{case}", tolerance=0)


@hidden_test("check_output_size", points=1, hint="one position is the least; a kernel that just fits has one")
def output_size_at_the_edge(student, generator):
    same(student.output_size(9, 4), 6, "the stride, padding and dilation that nobody named", tolerance=0)
    same(student.output_size(5, 5), 1, "a kernel as large as the picture", tolerance=0)
    same(student.output_size(3, 5, 1, 1), 1, "a kernel that fits thanks to padding", tolerance=0)
    same(student.output_size(7, 4, 1, 0, 2), 1, "a dilated kernel that just fits", tolerance=0)
    raises(lambda: student.output_size(4, 5), "ValueError", "a kernel larger than the picture")
    raises(lambda: student.output_size(6, 4, 1, 0, 2), "ValueError", "a dilated kernel larger than the picture")
    raises(lambda: student.output_size(2, 5, 3, 1), "ValueError", "a kernel larger than the padded picture")


@hidden_test("check_conv2d", points=2, hint="pictures and kernels need not be square, nor have equal channels")
def conv2d_plain_and_with_bias(student, generator):
    for _ in range(6):
        x, weight, bias, _ = _convolution_case(generator)
        same(student.conv2d(x, weight), F.conv2d(x, weight), "conv2d")
        same(student.conv2d(x, weight, bias), F.conv2d(x, weight, bias), "conv2d with a bias")


@hidden_test("check_conv2d", points=1, hint="a stride that does not divide leaves pixels over")
def conv2d_stride_and_padding(student, generator):
    for stride, padding in ((2, 0), (3, 1), (1, 2), (2, 3), (4, 1)):
        x, weight, bias, options = _convolution_case(generator, stride=stride, padding=padding)
        same(student.conv2d(x, weight, bias, **options), F.conv2d(x, weight, bias, **options), f"conv2d {options}")


@hidden_test("check_conv2d", points=2, hint="group i of the output sees group i of the input, in order")
def conv2d_groups(student, generator):
    for groups in (2, 3, 4):
        x, weight, bias, options = _convolution_case(generator, groups=groups, padding=1)
        same(student.conv2d(x, weight, bias, **options), F.conv2d(x, weight, bias, **options), f"conv2d {options}")
    x, weight = draw(generator, 2, 5, 6, 7), draw(generator, 10, 1, 3, 3)
    same(student.conv2d(x, weight, groups=5), F.conv2d(x, weight, groups=5), "a depthwise conv2d")


def _backward_case(student, generator, **options):
    x, weight, _, _ = _convolution_case(generator)
    x, weight = x.requires_grad_(), weight.requires_grad_()
    y = F.conv2d(x, weight, **options)
    grad = draw(generator, *y.shape)
    expected = torch.autograd.grad(y, (x, weight), grad)
    return student.conv2d_backward(x.detach(), weight.detach(), grad, **options), expected


@hidden_test("check_conv2d_backward", points=2, hint="each gradient has the shape of what it belongs to")
def gradient_without_options(student, generator):
    for _ in range(5):
        came, expected = _backward_case(student, generator)
        same(came, expected, "gradients")


@hidden_test("check_conv2d_backward", points=2, hint="pixels that no position reaches have the gradient 0")
def gradient_with_stride_and_padding(student, generator):
    for stride, padding in ((2, 0), (3, 0), (1, 1), (2, 1), (3, 2)):
        came, expected = _backward_case(student, generator, stride=stride, padding=padding)
        same(came, expected, f"gradients at stride {stride}, padding {padding}")


@hidden_test("check_max_pool2d", points=2, hint="windows may overlap, and rows may be left over")
def pooling_windows(student, generator):
    for kernel, stride in ((2, None), (3, None), (3, 2), (2, 1), (2, 3)):
        x = draw(generator, 2, 3, pick(generator, 6, 10), pick(generator, 11, 13))
        same(student.max_pool2d(x, kernel, stride), F.max_pool2d(x, kernel, stride), f"{kernel}, stride {stride}")


@hidden_test("check_max_pool2d", points=1, hint="what is greater than every number that a picture may hold?")
def pooling_never_chooses_the_padding(student, generator):
    for kernel, stride, padding in ((3, 2, 1), (2, 2, 1), (5, 1, 2)):
        x = -1e6 - draw(generator, 1, 2, 7, 9).abs()
        expected = F.max_pool2d(x, kernel, stride, padding)
        same(student.max_pool2d(x, kernel, stride, padding), expected, "max_pool2d of great negative numbers")


def _batch_norms(student, channels: int, generator, **options):
    ours, theirs = (
        student.new("BatchNorm2d", channels, **options).double(),
        nn.BatchNorm2d(channels, **options).double(),
    )
    with torch.no_grad():
        theirs.weight.copy_(draw(generator, channels))
        theirs.bias.copy_(draw(generator, channels))
    own = ours.state()
    check({"weight", "bias", "running_mean", "running_var"} <= set(own), f"the state holds only {sorted(own)}")
    ours.load({**own, "weight": theirs.weight.detach(), "bias": theirs.bias.detach()})
    return ours, theirs


@hidden_test("check_BatchNorm2d", points=1.5, hint="one mean and one variance for each channel, over N, H and W")
def batch_norm_in_training(student, generator):
    for channels, options in ((3, {}), (1, {"eps": 0.1}), (5, {"momentum": 0.3})):
        ours, theirs = _batch_norms(student, channels, generator, **options)
        x = 3 + 2 * draw(generator, 4, channels, 3, 5)
        same(ours.train()(x), theirs(x), f"batch norm {options}")


@hidden_test("check_BatchNorm2d", points=1.5, hint="the running variance takes the estimate that divides by n - 1")
def batch_norm_running_estimates(student, generator):
    ours, theirs = _batch_norms(student, 4, generator, momentum=0.2)
    for _ in range(3):
        x = 5 * draw(generator, 2, 4, 2, 3) - 1
        ours(x), theirs(x)
    for name in ("running_mean", "running_var"):
        same(ours.state()[name], theirs.state_dict()[name], name)
    before = ours.state()
    x = draw(generator, 2, 4, 2, 3)
    same(ours.eval()(x), theirs.eval()(x), "evaluation")
    same(ours.state()["running_mean"], before["running_mean"], "the running mean after an evaluation")
    same(ours.eval()(x[:1]), theirs(x[:1]), "evaluation of one picture")


@hidden_test("check_BatchNorm2d", points=1, hint="torch.autograd must see the batch's mean and variance, too")
def batch_norm_gradient(student, generator):
    ours, theirs = _batch_norms(student, 3, generator)
    x, cotangents = draw(generator, 3, 3, 4, 2), draw(generator, 3, 3, 4, 2)
    _, (grad,), weights = ours.train().gradient(x, cotangents=cotangents)
    x.requires_grad_()
    expected = torch.autograd.grad(theirs(x), (x, theirs.weight, theirs.bias), cotangents)
    same(grad, expected[0], "gradient in x")
    check({"weight", "bias"} <= set(weights), f"parameters are {sorted(weights)}, not weight and bias")
    check(not {"running_mean", "running_var"} & set(weights), "the running estimates must be buffers")
    same([weights["weight"], weights["bias"]], expected[1:], "gradients of weight and bias")


@hidden_test("check_train_cnn", points=4, hint="1,500 pictures are enough for 0.70; is the network in evaluation mode?")
def a_trained_network_knows_pictures_it_never_saw(student, generator):
    train_set, test_set = fashion_mnist.load()
    rows = torch.randperm(len(train_set), generator=generator)[:1500]
    images, labels = train_set[rows]
    network = student.new("train_cnn", images, labels, seed=pick(generator, 0, 10**6))
    count = sum(value.numel() for value in network.state().values())
    check(count <= 61_000, f"{count:,} numbers in the state")  # 60,000 parameters, and buffers
    some = torch.randperm(len(test_set), generator=generator)[:1000]
    images, labels = test_set[some]
    scores = expect_tensor(network(images), (1000, 10), "scores").double()
    reached = (scores.argmax(dim=1) == labels).float().mean().item()
    check(reached >= 0.70, f"accuracy {reached:.3f} on unseen pictures")
    alone = network(images[:1])
    same(alone, scores[:1], "scores of one picture alone", tolerance=1e-4)
