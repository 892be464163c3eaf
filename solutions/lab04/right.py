"""Right answers to lab04 of another kind than the solution: each must get all points in the cells that it replaces."""


# === clipping_with_one_vector_and_new_gradients
# All gradients in one long vector, torch's small number in the divisor, and new tensors as gradients.


# %% clip_gradients
def clip_gradients(parameters, most):
    having = [p for p in parameters if p.grad is not None]
    if not having:
        return torch.tensor(0.0)
    total = torch.linalg.vector_norm(torch.cat([p.grad.reshape(-1).to(having[0].grad) for p in having]))
    factor = torch.clamp(most / (total + 1e-6), max=1.0)
    for p in having:
        p.grad = p.grad * factor
    return total


# === draws_by_gumbel_noise
# The Gumbel trick: the greatest of scores plus noise; no softmax anywhere.


# %% sample
def sample(scores, temperature, generator):
    if not temperature:
        return scores.argmax(-1)
    noise = -torch.log(torch.empty(scores.shape, dtype=torch.float64).exponential_(generator=generator))
    return (scores / temperature + noise.to(scores.device)).argmax(-1)


# === draws_by_the_inverse_of_the_sum
# One uniform number a row, looked up among the cumulated probabilities, in float64.


# %% sample
def sample(scores, temperature, generator):
    if temperature < 1e-8:
        return torch.max(scores, dim=-1).indices
    z = (scores.double() - scores.double().amax(1, keepdim=True)) / temperature
    p = z.exp()
    edges = (p / p.sum(1, keepdim=True)).cumsum(1)
    u = torch.rand(len(scores), 1, generator=generator, dtype=torch.float64).to(scores.device)
    last = (p > 0).double().cumsum(1).argmax(1)  # rounding must not reach a forbidden character
    return torch.minimum(torch.searchsorted(edges, u, right=True)[:, 0], last)


# === four_products_with_other_names
# Each gate has its own matrices and its own products; nothing is called as in the text.


# %% lstm_step
def lstm_step(inp, hidden, memory, A, B, bias1, bias2):
    size = hidden.size(-1)

    def part(k):
        rows = slice(k * size, (k + 1) * size)
        return torch.einsum("nx,hx->nh", inp, A[rows]) + F.linear(hidden, B[rows], bias1[rows] + bias2[rows])

    write_gate, keep, show = (1 / (1 + torch.exp(-part(k).clamp(-700, 700))) for k in (0, 1, 3))
    memory = torch.addcmul(keep * memory, write_gate, part(2).tanh())
    return [show * memory.tanh(), memory]


# === one_sequence_at_a_time
# A loop over the sequences, each read to its own end; padded afterwards.


# %% lstm
def lstm(x, lengths, h, c, *weights):
    steps, finals_h, finals_c, columns = len(x), [], [], []
    for n, length in enumerate(lengths.tolist()):
        state_h, state_c, seen = h[n : n + 1], c[n : n + 1], []
        for t in range(length):
            state_h, state_c = lstm_step(x[t, n : n + 1], state_h, state_c, *weights)
            seen.append(state_h[0])
        columns.append(F.pad(torch.stack(seen), (0, 0, 0, steps - length)))
        finals_h.append(state_h)
        finals_c.append(state_c)
    return torch.stack(columns, dim=1), torch.cat(finals_h), torch.cat(finals_c)


# === shrinking_batch_in_place_with_a_warning
# Sorts by length, drops sequences that are over, writes outputs in place, sorts back, and warns on every call.

# %% lstm
import warnings


def lstm(x, lengths, h, c, *weights):
    warnings.warn("a slow layer", stacklevel=1)
    order = torch.argsort(lengths, descending=True)
    x, h, c, left = x[:, order], h[order], c[order], lengths[order]
    outputs = torch.zeros(*x.shape[:2], h.shape[1], dtype=x.dtype, device=x.device)
    for t in range(int(left.max())):
        alive = int((left > t).sum())
        new_h, new_c = lstm_step(x[t, :alive], h[:alive], c[:alive], *weights)
        outputs[t, :alive] = new_h
        h, c = torch.cat([new_h, h[alive:]]), torch.cat([new_c, c[alive:]])
    back = torch.argsort(order)
    return outputs[:, back], h[back], c[back]


# === windows_with_a_start_state_and_late_zero_grad
# Zeros as first state, gradients cleared after each step, losses as one tensor, torch's own clipping.


# %% train_windows
def train_windows(net, optimizer, text, window, limit):
    optimizer.zero_grad(set_to_none=False)
    criterion = nn.CrossEntropyLoss()
    inputs, targets = text[:-1], text[1:]
    zeros = torch.zeros(1, text.shape[1], net.lstm.hidden_size, dtype=net.head.weight.dtype, device=text.device)
    h, c = zeros, zeros.clone()
    history = torch.zeros(-(-len(inputs) // window), dtype=torch.float64)
    at = 0
    while at < len(inputs):
        out, (h, c) = net(inputs[at : at + window], (h.detach(), c.detach()))
        loss = criterion(out.permute(1, 2, 0), targets[at : at + window].transpose(0, 1))
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), limit)
        optimizer.step()
        optimizer.zero_grad()
        history[at // window] = loss.detach()
        at += window
    return history


# === writing_one_letter_at_a_time
# Reads the start letter by letter, and fills the result in place.


# %% write
def write(net, start, length, temperature, generator):
    state, result = None, torch.zeros(length, dtype=torch.long, device=start.device)
    with torch.inference_mode():
        for letter in start:
            scores, state = net(letter.reshape(1, 1), state)
        for k in range(length):
            result[k] = sample(scores[0], temperature, generator)[0]
            if k + 1 < length:
                scores, state = net(result[k].reshape(1, 1), state)
    return result


# === writing_reads_everything_again
# No state at all: the whole text is read again for each character. Slow, and right; gradients are not switched off.


# %% write
def write(net, start, length, temperature, generator):
    text = start.clone()
    while len(text) < len(start) + length:
        with torch.enable_grad():
            scores = net(text.view(-1, 1))[0]
        text = torch.cat((text, sample(scores[-1].detach(), temperature, generator)))
    return text[len(start) :]
