"""Real architectures with tiny widths, each called with a batch of one."""

from __future__ import annotations

from functools import cache

import torch
import transformers as hf
from torch import nn

import onnxmagic

ids = torch.randint(0, 50, (1, 7), generator=torch.Generator().manual_seed(0))
mask = torch.tensor([[1, 1, 1, 1, 1, 0, 0]])
image = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
text = {"vocab_size": 50, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}


class Recurrent(nn.Module):
    def __init__(self, kind, **options) -> None:
        super().__init__()
        self.rnn = kind(4, 8, **options)

    def forward(self, x):
        return self.rnn(x)


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down, self.deep = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 8, 3, stride=2, padding=1)
        self.up, self.out = nn.ConvTranspose2d(8, 4, 2, stride=2), nn.Conv2d(8, 1, 1)

    def forward(self, x):
        first = self.down(x).relu()
        return self.out(torch.cat([first, self.up(self.deep(first).relu())], 1))


class Detector(nn.Module):
    """A single-shot detector: two scales, boxes as offsets to fixed anchors."""

    anchors: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.SiLU())
        self.down = nn.Sequential(nn.Conv2d(8, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.SiLU())
        self.heads = nn.ModuleList(nn.Conv2d(8, 4 + 3, 1) for _ in range(2))
        centres = [torch.cartesian_prod(torch.arange(n), torch.arange(n)) * 32 / n for n in (16, 8)]
        self.register_buffer("anchors", torch.cat(centres).float())

    def forward(self, image):
        fine = self.stem(image)
        levels = [head(level).flatten(2) for head, level in zip(self.heads, (fine, self.down(fine)), strict=True)]
        found = torch.cat(levels, 2).transpose(1, 2)
        boxes = torch.cat([self.anchors + found[..., :2].tanh() * 8, found[..., 2:4].exp() * 8], -1)
        return {"boxes": boxes, "scores": found[..., 4:].sigmoid()}


class MobileBlock(nn.Module):
    """Depthwise convolution with squeeze and excitation."""

    def __init__(self) -> None:
        super().__init__()
        self.wide, self.narrow = nn.Conv2d(3, 12, 1), nn.Conv2d(12, 3, 1)
        self.deep = nn.Conv2d(12, 12, 3, padding=1, groups=12)
        self.excite = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(12, 12, 1), nn.Hardsigmoid())

    def forward(self, x):
        y = nn.functional.hardswish(self.deep(self.wide(x)))
        return x + self.narrow(y * self.excite(y))


class CausalConvolutions(nn.Module):
    """A temporal convolutional network for time series."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv1d(4, 4, 3, dilation=2**i) for i in range(3))

    def forward(self, series):
        for i, layer in enumerate(self.layers):
            series = series + layer(nn.functional.pad(series, (2 ** (i + 1), 0))).relu()
        return series[..., -1]


class Beats(nn.Module):
    """A forecast by residual blocks, each of which explains a part of the past."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 30)) for _ in range(4))

    def forward(self, past):
        mean = past.mean(1, keepdim=True)
        rest, forecast = past - mean, 0
        for block in self.blocks:
            explained, part = block(rest).split([24, 6], 1)
            rest, forecast = rest - explained, forecast + part
        return forecast + mean


class Listener(nn.Module):
    """Audio: convolutions over the waveform, a GRU over time, attention over its states."""

    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Sequential(nn.Conv1d(1, 8, 16, 8), nn.GELU(), nn.Conv1d(8, 8, 4, 2), nn.GELU())
        self.norm, self.rnn = nn.GroupNorm(2, 8), nn.GRU(8, 8, batch_first=True, bidirectional=True)
        self.attend, self.out = nn.Linear(16, 1), nn.Linear(16, 3)

    def forward(self, wave):
        states, _ = self.rnn(self.norm(self.front(wave.unsqueeze(1))).transpose(1, 2))
        weights = self.attend(states).softmax(1)
        return self.out((weights * states).sum(1)).log_softmax(-1)


def bert():
    config = hf.BertConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, **text)
    return hf.BertModel(config), (), {"input_ids": ids, "attention_mask": mask}


def gpt2():
    config = hf.GPT2Config(n_embd=16, n_layer=2, n_head=2, n_positions=32, **text)
    return hf.GPT2LMHeadModel(config), (ids,), {"use_cache": False}


def llama():
    config = hf.LlamaConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=32,
        **text,
    )
    return hf.LlamaForCausalLM(config), (ids,), {"use_cache": False}


def vit():
    config = hf.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=8
    )
    return hf.ViTModel(config), (image,), {}


def swin():
    config = hf.SwinConfig(image_size=32, patch_size=4, embed_dim=8, depths=[1, 1], num_heads=[1, 2], window_size=4)
    return hf.SwinModel(config), (image,), {}


def t5_encoder():
    config = hf.T5Config(d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2, **text)
    return hf.T5EncoderModel(config), (ids,), {}


def convnext():
    return hf.ConvNextModel(hf.ConvNextConfig(hidden_sizes=[8, 8], depths=[1, 1], num_stages=2)), (image,), {}


def resnet():
    config = hf.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=5)
    return hf.ResNetForImageClassification(config), (image,), {}


def clip():
    towers = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = hf.CLIPConfig(
        text_config={**towers, **text}, vision_config={**towers, "image_size": 32, "patch_size": 8}, projection_dim=8
    )
    return hf.CLIPModel(config), (), {"input_ids": ids, "pixel_values": image, "attention_mask": mask}


def wav2vec2():
    config = hf.Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=[8, 8],
        conv_stride=[5, 2],
        conv_kernel=[10, 3],
        num_feat_extract_layers=2,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
    )
    return hf.Wav2Vec2Model(config), (torch.randn(1, 400),), {}


def mlp():
    return nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 3)), (torch.randn(1, 10),), {}


def lstm():
    return Recurrent(nn.LSTM, batch_first=True, bidirectional=True), (torch.randn(1, 6, 4),), {}


def lstm_sequence_first():
    return Recurrent(nn.LSTM), (torch.randn(6, 1, 4),), {}


def gru():
    return Recurrent(nn.GRU, batch_first=True), (torch.randn(1, 6, 4),), {}


def unet():
    return UNet(), (torch.randn(1, 1, 16, 16),), {}


def transformer_layer():
    return nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), (torch.randn(1, 5, 16),), {}


def albert():
    config = hf.AlbertConfig(
        hidden_size=16, embedding_size=8, num_hidden_layers=4, num_attention_heads=2, intermediate_size=32, **text
    )
    return hf.AlbertModel(config), (), {"input_ids": ids, "attention_mask": mask}


def whisper_encoder():
    config = hf.WhisperConfig(
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        num_mel_bins=8,
        max_source_positions=20,
        **text,
    )
    return hf.WhisperModel(config).encoder, (torch.randn(1, 8, 40),), {}


def yolos():
    config = hf.YolosConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=[32, 32],
        patch_size=8,
        num_detection_tokens=5,
        use_mid_position_embeddings=False,
    )
    return hf.YolosForObjectDetection(config), (image,), {}


def segformer():
    config = hf.SegformerConfig(
        num_encoder_blocks=2,
        depths=[1, 1],
        sr_ratios=[2, 1],
        hidden_sizes=[8, 16],
        patch_sizes=[7, 3],
        strides=[4, 2],
        num_attention_heads=[1, 2],
        mlp_ratios=[2, 2],
        decoder_hidden_size=16,
    )
    return hf.SegformerForSemanticSegmentation(config), (image,), {}


def patchtst():
    config = hf.PatchTSTConfig(
        num_input_channels=2,
        context_length=32,
        patch_length=8,
        patch_stride=8,
        d_model=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        ffn_dim=32,
        prediction_length=4,
    )
    return hf.PatchTSTForPrediction(config), (torch.randn(1, 32, 2),), {}


def equal_layers():
    layers = [nn.Sequential(nn.LayerNorm(16), nn.Linear(16, 16), nn.GELU()) for _ in range(12)]
    return nn.Sequential(*layers), (torch.randn(1, 5, 16),), {}


def detector():
    return Detector(), (image,), {}


def mobile_block():
    return MobileBlock(), (image,), {}


def causal_convolutions():
    return CausalConvolutions(), (torch.randn(1, 4, 20),), {}


def beats():
    return Beats(), (torch.randn(1, 24),), {}


def listener():
    return Listener(), (torch.randn(1, 400),), {}


ALL = {
    make.__name__: make
    for make in (
        mlp,
        unet,
        resnet,
        convnext,
        lstm,
        lstm_sequence_first,
        gru,
        transformer_layer,
        bert,
        gpt2,
        llama,
        t5_encoder,
        vit,
        swin,
        clip,
        wav2vec2,
        albert,
        whisper_encoder,
        yolos,
        segformer,
        patchtst,
        equal_layers,
        detector,
        mobile_block,
        causal_convolutions,
        beats,
        listener,
    )
}


@cache
def exported(name):
    """The export of one of them, made once for all tests that look at it."""
    torch.manual_seed(0)
    model, args, kwargs = ALL[name]()
    return onnxmagic.export(model.eval(), args, kwargs)
