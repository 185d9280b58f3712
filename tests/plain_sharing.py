"""Equations 3 to 5 by plain loops, and heads with predictions to try them on."""

from __future__ import annotations

import torch


def heads(classes, width=7, batch=5, seed=0, sharpness=3.0):
    generator = torch.Generator().manual_seed(seed)
    weights = [torch.randn(count, width, generator=generator, dtype=torch.float64) for count in classes]
    logits = [sharpness * torch.randn(batch, count, generator=generator, dtype=torch.float64) for count in classes]
    return weights, [x.softmax(1) for x in logits]


def plain_affinity(p, q):
    a = torch.zeros(p.shape[1], q.shape[1], dtype=p.dtype)
    for i in range(len(p)):
        for m in range(p.shape[1]):
            for n in range(q.shape[1]):
                a[m, n] += p[i, m] * q[i, n] / len(p)
    return a


def plain_pair(weights_j, weights_k, relevant, reduction):
    m, n = relevant.shape
    total = torch.zeros((), dtype=weights_j.dtype)
    for p in range(m):
        for q in range(n):
            if relevant[p, q]:
                squared = (weights_k[q] - weights_j[p]) ** 2
                total = total + (squared.mean() if reduction == "mean" else squared.sum()) / (m * n)
    return total


def plain_sharing(weights, probabilities, threshold, reduction):
    total = torch.zeros((), dtype=weights[0].dtype)
    for k in range(len(weights)):
        for j in range(len(weights)):
            if j != k:
                a = plain_affinity(probabilities[j], probabilities[k])
                total = total + plain_pair(weights[j], weights[k], a.numel() * a / a.sum() > threshold, reduction)
    return total
