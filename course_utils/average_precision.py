"""One evaluation for every detector: average precision as COCO counts it, by torchmetrics over pycocotools.

Lesson 12 writes average precision out and shows it equal; this is the version that all detectors are compared with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torchmetrics.detection import MeanAveragePrecision

from course_utils.data.detection_set import DetectionSet


@dataclass(frozen=True)
class AveragePrecision:
    """Shares between 0 and 1.

    at_50: mean over classes of the average precision at IoU 0.5 (the measure of Pascal VOC, with COCO's 101 points)
    at_50_95: mean over classes and the ten thresholds 0.50, 0.55, …, 0.95 (the measure of COCO)
    class_agnostic_at_50: average precision at IoU 0.5 when any class counts as right: localisation alone
    per_class_at_50: for every class that occurs in the truth
    """

    at_50: float
    at_50_95: float
    class_agnostic_at_50: float
    per_class_at_50: dict[str, float]


def average_precision(detections: Sequence[dict[str, Tensor]], truth: DetectionSet) -> AveragePrecision:
    """Score `detections`, one dict a picture of `truth`: boxes (K, 4), scores (K,), labels (K,), as torchvision's have.

    Of each picture and class at most the 100 best-scored detections count.
    Raises `ValueError` where the numbers of pictures differ.
    """
    if len(detections) != len(truth):
        raise ValueError(f"{len(detections)} pictures with detections, but {len(truth)} in the truth")
    predicted = [{name: value.detach().cpu() for name, value in picture.items()} for picture in detections]
    objects = [truth.objects(index) for index in range(len(truth))]
    annotated = [{"boxes": boxes.cpu(), "labels": labels.cpu()} for boxes, labels in objects]

    def scored(**options: Any) -> dict[str, Tensor]:
        metric = MeanAveragePrecision(backend="pycocotools", **options)
        metric.warn_on_many_detections = False  # the cut at 100 is stated above
        metric.update(predicted, annotated)
        return metric.compute()

    every_threshold = scored()
    by_class = scored(iou_thresholds=[0.5], class_metrics=True)
    agnostic = scored(iou_thresholds=[0.5], average="micro")
    per_class = zip(
        by_class["classes"].reshape(-1).tolist(), by_class["map_per_class"].reshape(-1).tolist(), strict=True
    )
    return AveragePrecision(
        at_50=float(every_threshold["map_50"]),
        at_50_95=float(every_threshold["map"]),
        class_agnostic_at_50=float(agnostic["map"]),
        per_class_at_50={truth.classes[label]: score for label, score in per_class if score >= 0},
    )
