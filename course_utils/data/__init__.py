"""Data sets that need no network: a module each, which says where from, what shape, which licence.

A data set is *embedded* where it travels with the course, a *full set* where it is fetched when asked for, into the
*cache* (`runtime.data_home`). *Held-out* pictures share no source with those that teach. A *batch* is the pictures and
targets of one step. A *box* is x1 y1 x2 y2 in pixel edges, its *label* an index into the classes; a *class map* gives
every pixel 0 for the background, 1 + label, or *void* for what does not count.

| module | what it holds |
| --- | --- |
| `fashion_mnist` | 12,000 + 2,000 embedded 28×28 pictures in 10 classes, in two sets or three; 70,000 on request |
| `king_james` | Genesis to Ruth, about a million characters |
| `photographs` | the photographs that scikit-image and scikit-learn ship |
| `codec_pictures` | luma crops to train on, a test set of other sources, a short video |
| `scenes` | Fashion-MNIST items on photographs with exact boxes and class maps, composed when asked for |
| `voc` | Pascal VOC 2007 in the same form, on request |
| `image_set` | pictures and labels held in tensors, and the two ways to batch them |
| `detection_set` | pictures with boxes and class maps held in tensors |
"""
