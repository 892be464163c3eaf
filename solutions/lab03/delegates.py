"""Lab 03: answers that are the library's own, as short as can be. The rules must see every one of them."""

# === torchvisions_overlap


# %% iou
def iou(a, b):
    return ops.box_iou(a, b)


# === torchvisions_overlap_under_another_name

# %% iou
from torchvision.ops import boxes as geometry

iou = geometry.box_iou

# === torchvisions_suppression


# %% nms
def nms(boxes, scores, threshold, labels=None):
    if labels is None:
        return ops.nms(boxes, scores, threshold)
    return ops.batched_nms(boxes, scores, labels, threshold)


# === the_operator_by_its_own_name


# %% nms
def nms(boxes, scores, threshold, labels=None):
    return torch.ops.torchvision.nms(boxes.float(), scores.float(), threshold)


# === the_metric_of_torchmetrics

# %% average_precision
from torchmetrics.functional.classification import binary_average_precision


def true_positives(boxes, truth, threshold):
    return iou(boxes, truth).amax(dim=1) >= threshold


def average_precision(scores, right, objects):
    return float(binary_average_precision(scores, right.long()))


# === the_metric_of_scikit_learn

# %% average_precision
from sklearn import metrics


def true_positives(boxes, truth, threshold):
    return iou(boxes, truth).amax(dim=1) >= threshold


def average_precision(scores, right, objects):
    return metrics.average_precision_score(right.numpy(), scores.numpy())


# === torchvisions_matcher

# %% average_precision
from torchvision.models.detection._utils import Matcher


def true_positives(boxes, truth, threshold):
    return Matcher(threshold, threshold)(iou(truth, boxes)) >= 0


def average_precision(scores, right, objects):
    return float(right.double().mean())


# === torchvisions_pooling


# %% roi_align
def bilinear(features, y, x):
    centres = torch.stack([x, y, x, y], dim=1)
    return ops.roi_align(features[None], [centres], 1)[..., 0, 0].T


def roi_align(features, boxes, size, spatial_scale=1.0, samples=2):
    return ops.roi_align(features[None], [boxes], size, spatial_scale, samples, aligned=True)


# === torchvisions_anchors


# %% grid_anchors
def grid_anchors(sides, ratios, height, width, stride):
    generator = AnchorGenerator((tuple(sides),), (tuple(ratios),))
    cells = generator.generate_anchors(sides, ratios)
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return ((torch.stack([x, y, x, y], dim=-1) + 0.5)[:, :, None] * stride + cells).flatten(0, 2)
