"""The plumbing under the notebooks of *Convolution to Codec*: data, training loop, costs, claims, plots, commands.

What a lesson teaches is written out in the lesson. A student who looks for the convolution finds it in a notebook.
"""
