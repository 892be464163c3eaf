"""What a video codec is made of, as tensors, and the real codecs beside it. Shapes: (N, H, W) for luma pictures.

A *block* is a square of pixels. It is predicted, in one of 35 intra *modes*, from the decoded pixels around it, its
*reference samples*. What is left, the *residual*, is transformed to coefficients; divided by the step that the *QP*
sets and rounded, they are the *levels*, which are sent. *SATD* estimates a residual's cost before that. A *loop filter*
mends what is decoded. The *BD-rate* of a codec says how many percent more bits it takes than another, the *anchor*, at
equal PSNR.

| module | call | gives |
| --- | --- | --- |
| `colour` | `luma(rgb)` | (..., C, H, W) uint8 to luma (..., H, W) uint8, BT.709 full range unless told otherwise |
| | `rgb_to_ycbcr(rgb, standard="bt709", full_range=False)`, `ycbcr_to_rgb` | code values, floating point |
| | `rgb_to_420(rgb)`, `rgb_from_420(pictures)`, `YCbCr420(y, cb, cr)` | what an encoder takes, and back |
| `blocks` | `cut(pictures, size)`, `join(blocks)` | (..., H, W) to (..., H/size, W/size, size, size), and back |
| | `pad(pictures, multiple)` | last row and column repeated up to a multiple |
| `transforms` | `dct(residual)`, `idct(coefficients)`, `dct_matrix(size)` | orthonormal, floating point, any size |
| | `hadamard(residual)`, `hadamard_matrix(size)` | not normalised |
| | `hevc_forward(residual, kind="dct")`, `hevc_inverse`, `hevc_matrix(size, kind)` | HEVC's integers; "dst" for 4×4 |
| | `sad(residual)`, `satd(residual)`, `sse(residual)` | (..., H, W) to (...); SATD normalised as in HM |
| `quantisation` | `step(qp)`, `lagrange_multiplier(qp)` | 2^((QP-4)/6); λ of J = SSE + λ·bits |
| | `quantise(coefficients, qp, rounding=1/3)`, `dequantise(levels, qp)` | for orthonormal coefficients |
| | `hevc_quantise(coefficients, qp, intra=True)`, `hevc_dequantise(levels, qp)` | bit for bit HM, H.265 |
| | `rate_proxy(levels)`, `exp_golomb_bits(levels)` | Σ log2(1+level); Exp-Golomb bits; (..., n, n) to (...) |
| `intra` | `references(reconstruction, size, ctu, at=None)` | (H, W) to (K, 4·size+1) samples, gaps filled |
| | `predict_all(samples)`, `predict(samples, mode)` | (..., 4n+1) to (..., 35, n, n), (..., n, n), int64 |
| | `coding_order(rows, columns, per_ctu)`, `wavefronts(rows, columns)` | what is coded when, what together |
| | `smooth`, `substitute`, `planar`, `dc`, `angular`, `is_smoothed` | the parts of a prediction |
| `encoders` | `x265(pictures, qp, deblock=True, sao=True, preset="slow", options="")` | a `Stream`, all intra |
| | `x264(pictures, qp, deblock=True)`, `svt_av1(pictures, qp, preset=4)` | the same for AVC and AV1 |
| | `decode(stream, loop_filter=True, device="cpu")` | (N, H, W) uint8, or `YCbCr420` |
| | `Stream.picture_bits`, `Stream.bits`, `Stream.picture_qps`, `Stream.data` | slice bits, their sum, QPs, bytes |
| `metrics` | `psnr(pictures, reference)`, `ssim(pictures, reference)` | (N,) float64, one per picture |
| | `bd_rate(anchor_rates, anchor_psnrs, rates, psnrs)` | percent |
| `flags` | `choose(off, on, original, size)`, `apply(flags, off, on, size)` | (N, R, C) bool; the mixed pictures |
| | `bits(flags)`, `block_sse(pictures, original, size)` | (N,) bits of an adaptive coder; (N, R, C) |
| `closed_loop` | `encode(picture, qp, size=8, filter=None)` | a `Coded`, of (H, W) uint8: a toy all-intra codec |
| | `decode(modes, levels, qp, filter=None)`, `bits(coded)` | (H, W) int64; bits of an ideal code |
| `online_filter` | `OnlineFilter(net, policy)`, `shipped()` | a filter of predictions that learns, and a trained net |
| | `surroundings(canvas, front, prediction)`, `fingerprint(state)` | what the net sees; SHA-256 of weights |
| `loop_filter` | `networks`, `filter_data`, `evaluation` | networks in place of deblocking and SAO; a package |

Bad input (sides, dtypes, QPs, damaged streams, a codec that PyAV lacks) is a `CourseError`; nothing is cropped.
Pictures to work with: `course_utils.data.codec_pictures`.
"""
