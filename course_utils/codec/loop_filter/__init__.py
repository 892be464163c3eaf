"""A convolutional network as HEVC's loop filter: networks, data, training, evaluation.

| module | call | gives |
| --- | --- | --- |
| `networks` | `build(name)`, `NAMES` | a network by name: "residual", "vrcnn", "depthwise", and the controls |
| | `net(pictures, qp)` | (N, 1, H, W) in [0, 1] and (N,) to the filtered (N, 1, H, W) |
| | `filtered(net, pictures, qp)` | (N, H, W) uint8 to (N, H, W) uint8: what a decoder puts out |
| | `save(net, path)`, `load(path)`, `shipped()` | checkpoints (safetensors) |
| `data` | `prepare()`, `FilterData.save(path)`, `load(path)` | decoded pictures, originals, bits |
| `training` | `train(net, data, …)` | the training loop, on any device |
| `evaluation` | `evaluate(net, data)` | PSNR and BD-rate on the held-out pictures |

In all-intra HEVC prediction takes unfiltered pixels, so a filter after the decoder is exactly a filter in the loop.
Only `data.prepare` needs an encoder; the other modules run where PyAV is missing.
"""
