"""A convolutional network as HEVC's loop filter: networks, what they are trained on, evaluation.

An *original* is coded with HEVC's own loop filters off; the *decoded* picture is what the network gets. Its
*correction*, in units of the quantiser's step, is added. A *gate* scales the channels of a block, and may be told its
*side information*: the QP, and the block's activity. A network that is told nothing is *blind*. Pictures are *held
out* where no training crop shows their place or photographer. BD-rate is measured against *off*, no filter at all, and
against *filtered*, deblocking and SAO.

| module | call | gives |
| --- | --- | --- |
| `networks` | `build(name)`, `NAMES` | a `LoopFilter` by name: "residual" (a `GatedFilter`) or "vrcnn" |
| | `LoopFilter` | called with pictures (N, 1, H, W) in [0, 1] and QPs (N,): the filtered (N, 1, H, W) |
| | `filtered(net, pictures, qp)` | (N, H, W) uint8 to (N, H, W) uint8: what a decoder puts out |
| | `load(path)`, `shipped()` | a trained one (safetensors) |
| `filter_data` | `prepare(crops, pictures, qps=None)` | a `FilterData`: decoded pictures, originals, bits |
| `evaluation` | `evaluate_pictures(apply, data, side_bits=None)` | an `Evaluation`: PSNR and BD-rate |

In all-intra HEVC prediction takes unfiltered pixels, so a filter after the decoder is exactly a filter in the loop.
Only `filter_data.prepare` needs an encoder; the other modules run where PyAV is missing.
"""
