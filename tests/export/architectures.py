"""Real architectures with tiny widths, each called with a batch of one."""

from __future__ import annotations

import torch
import transformers as hf
from torch import nn

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
    )
}
