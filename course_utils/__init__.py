"""The small library under the notebooks of *Convolution to Codec*: what a notebook imports, and nothing else.

What a lesson teaches is written out in the lesson. A student who looks for the convolution finds it in a notebook.
"""

__version__ = "0.2.0"
