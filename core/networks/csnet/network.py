"""CS-Net (spec 3.1). H and W must be multiples of 16."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.networks.csnet.config import CsnetConfig
from core.networks.wrapped import SupervisedNetwork, Wrapped


class Encoder(nn.Module):
    """Two convolutions and a 1x1 shortcut: (B, a, H, W) -> (B, b, H, W)."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(channels_out)
        self.conv1x1 = nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))  # once here and once after the sum, as the producers do
        return F.relu(y + self.conv1x1(x))


class Decoder(nn.Module):
    """Two convolutions: (B, a, H, W) -> (B, b, H, W)."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, padding=1),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(),
            nn.Conv2d(channels_out, channels_out, 3, padding=1),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return out


class SpatialAttention(nn.Module):
    """f + gamma times what each pixel gathers from all pixels; queries look along rows, keys along columns."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1))
        self.query = nn.Sequential(nn.Conv2d(channels, width, (1, 3), padding=(0, 1)), nn.BatchNorm2d(width), nn.ReLU())
        self.key = nn.Sequential(nn.Conv2d(channels, width, (3, 1), padding=(1, 0)), nn.BatchNorm2d(width), nn.ReLU())
        self.value = nn.Conv2d(channels, channels, 1)

    def forward(self, f: Tensor) -> Tensor:
        q, k, v = (part(f).flatten(2) for part in (self.query, self.key, self.value))  # (B, C, H*W)
        weights = torch.softmax(q.transpose(1, 2) @ k, dim=-1)  # (B, i, j): row i sums to 1; not scaled
        gathered: Tensor = (v @ weights.transpose(1, 2)).reshape(f.shape)
        return self.gamma * gathered + f


class ChannelAttention(nn.Module):
    """f + gamma times what each channel gathers from all channels, the unlike ones first."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, f: Tensor) -> Tensor:
        x = f.flatten(2)  # (B, C, H*W)
        gram = x @ x.transpose(1, 2)  # (B, C, C)
        weights = torch.softmax(gram.amax(dim=-1, keepdim=True) - gram, dim=-1)
        gathered = (weights @ x).reshape(f.shape)
        return self.gamma * gathered + f


class AffinityAttention(nn.Module):
    """Spatial plus channel attention. Both hold f already, and the network adds it once more."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.sab = SpatialAttention(channels, width)
        self.cab = ChannelAttention()

    def forward(self, f: Tensor) -> Tensor:
        out: Tensor = self.sab(f) + self.cab(f)
        return out


class Csnet(nn.Module):
    """image (B, C, H, W) -> logits (B, classes, H, W)."""

    def __init__(self, config: CsnetConfig) -> None:
        super().__init__()
        w0, w1, w2, w3, w4 = config.widths
        self.enc_input = Encoder(config.in_channels, w0)
        self.encoder1, self.encoder2 = Encoder(w0, w1), Encoder(w1, w2)
        self.encoder3, self.encoder4 = Encoder(w2, w3), Encoder(w3, w4)
        self.affinity_attention = AffinityAttention(w4, config.attention_width)
        self.deconv4, self.decoder4 = _double(w4, w3), Decoder(2 * w3, w3)
        self.deconv3, self.decoder3 = _double(w3, w2), Decoder(2 * w2, w2)
        self.deconv2, self.decoder2 = _double(w2, w1), Decoder(2 * w1, w1)
        self.deconv1, self.decoder1 = _double(w1, w0), Decoder(2 * w0, w0)
        self.final = nn.Conv2d(w0, config.classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        e0 = self.enc_input(image)
        e1 = self.encoder1(F.max_pool2d(e0, 2))
        e2 = self.encoder2(F.max_pool2d(e1, 2))
        e3 = self.encoder3(F.max_pool2d(e2, 2))
        f = self.encoder4(F.max_pool2d(e3, 2))
        y = f + self.affinity_attention(f)
        y = self.decoder4(torch.cat((e3, self.deconv4(y)), dim=1))
        y = self.decoder3(torch.cat((e2, self.deconv3(y)), dim=1))
        y = self.decoder2(torch.cat((e1, self.deconv2(y)), dim=1))
        y = self.decoder1(torch.cat((e0, self.deconv1(y)), dim=1))
        logits: Tensor = self.final(y)
        return logits


def _double(channels_in: int, channels_out: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(channels_in, channels_out, 2, stride=2)


def build_csnet(config: CsnetConfig) -> SupervisedNetwork:
    return SupervisedNetwork(Wrapped(Csnet(config)))
