"""What is said of boxes and masks that both sides see."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase

PHRASES: dict[str, Phrase] = {
    "label-overlap": Phrase("seen", "可见结果"),
    "caption-overlap": Phrase(
        "What is seen: pairs of one class with an IoU of at least 0.5", "可见结果：类别相同且 IoU 至少为 0.5 的配对"
    ),
    "column-kind": Phrase("kind", "类型"),
    "column-reference-objects": Phrase("reference", "参考端"),
    "column-candidate-objects": Phrase("device", "设备端"),
    "column-matched": Phrase("matched", "配对"),
    "column-least-iou": Phrase("least IoU", "最小 IoU"),
    "column-mean-iou": Phrase("mean IoU", "平均 IoU"),
    "overlap-boxes": Phrase("boxes", "框"),
    "overlap-masks": Phrase("masks", "掩膜"),
    "overlap-matched": Phrase(
        "{matched} of {reference} {kind} of the reference at the same place",
        "参考端 {reference} 个{kind}中有 {matched} 个位置相同",
    ),
    "overlap-more": Phrase("the device sees {candidate}", "设备端有 {candidate} 个"),
    "overlap-least": Phrase("least IoU {least}", "最小 IoU {least}"),
    "absent-nothing-matched": Phrase("no pair of one class overlaps by half", "没有类别相同且重叠过半的配对"),
}
# Why a field is None, by its path below `compare.overlaps`.
ABSENT: dict[str, str] = {"least_iou": "absent-nothing-matched", "mean_iou": "absent-nothing-matched"}
