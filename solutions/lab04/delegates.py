"""Lab 04: answers that are the library's own, as short as can be. The rules must see every one of them."""

# === the_operator_of_one_step


# %% lstm_step
def lstm_step(x, h, c, w_input, w_hidden, b_input, b_hidden):
    return torch._VF.lstm_cell(x, (h, c), w_input, w_hidden, b_input, b_hidden)


# === the_operator_under_another_name

# %% lstm_step
step = torch.lstm_cell


def lstm_step(x, h, c, *weights):
    return step(x, (h, c), *weights)


# === a_cell_with_these_weights

# %% lstm_step
from torch.func import functional_call


def lstm_step(x, h, c, w_input, w_hidden, b_input, b_hidden):
    cell = nn.LSTMCell(x.shape[1], h.shape[1])
    names = "weight_ih weight_hh bias_ih bias_hh".split()
    return functional_call(cell, dict(zip(names, (w_input, w_hidden, b_input, b_hidden))), (x, (h, c)))


# === a_layer_of_torch_and_packing


# %% lstm
def lstm(x, lengths, h, c, *weights):
    flat = [w.contiguous() for w in weights]
    net = nn.LSTM(x.shape[2], h.shape[1]).to(x.dtype)
    for parameter, value in zip(net.parameters(), flat):
        parameter.data = value
    packed = pack_padded_sequence(x, lengths.clamp(min=1).cpu(), enforce_sorted=False)
    outputs, (h, c) = net(packed, (h[None], c[None]))
    return pad_packed_sequence(outputs, total_length=len(x))[0], h[0], c[0]


# === one_layer_for_each_sequence


# %% lstm
def lstm(x, lengths, h, c, *weights):
    outputs = torch.zeros(len(x), *h.shape, dtype=x.dtype)
    ends = []
    for n, length in enumerate(lengths.tolist()):
        state = h[None, n : n + 1], c[None, n : n + 1]
        y, *end = torch.lstm(x[:length, n : n + 1], state, weights, True, 1, 0.0, False, False, False)
        outputs[:length, n] = y[:, 0]
        ends.append([part[0, 0] for part in end])
    h, c = (torch.stack(part) for part in zip(*ends))
    return outputs, h, c


# === the_clipping_of_torch


# %% clip_gradients
def clip_gradients(parameters, most):
    return float(nn.utils.clip_grad_norm_(parameters, most))


# === the_clipping_of_torch_in_two_steps


# %% clip_gradients
def clip_gradients(parameters, most):
    parameters = [p for p in parameters if p.grad is not None]
    norm = nn.utils.get_total_norm([p.grad for p in parameters])
    nn.utils.clip_grads_with_norm_(parameters, most, norm)
    return float(norm)
