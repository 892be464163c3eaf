"""A convolutional network as HEVC's loop filter: networks, what they are trained on, evaluation.

| module | call | gives |
| --- | --- | --- |
| `networks` | `build(name)`, `NAMES` | a network by name: "residual", "vrcnn", "depthwise", and the controls |
| | `net(pictures, qp)` | (N, 1, H, W) in [0, 1] and (N,) to the filtered (N, 1, H, W) |
| | `filtered(net, pictures, qp)` | (N, H, W) uint8 to (N, H, W) uint8: what a decoder puts out |
| | `save(net, path)`, `load(path)`, `shipped()` | checkpoints (safetensors) |
| `filter_data` | `prepare()`, `FilterData.save(path)`, `load(path)` | decoded pictures, originals, bits |
| `evaluation` | `evaluate(net, data)` | PSNR and BD-rate on the held-out pictures |

In all-intra HEVC prediction takes unfiltered pixels, so a filter after the decoder is exactly a filter in the loop.
Only `filter_data.prepare` needs an encoder; the other modules run where PyAV is missing.
"""
