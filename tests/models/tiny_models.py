"""Tiny models of each architecture, written to a folder as a hub would hold them: weights, configuration, processors.

Weights are random but trained-looking: norms and biases are moved off their initial values.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
import transformers as tf

WIDTH = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
PICTURE = {"image_size": 32, "patch_size": 8}
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
TEXT = (
    "the quick brown fox jumps over lazy dog while river runs quietly to sea a photo of cat flower building sky water ."
)
WORDS = (*SPECIAL, *TEXT.split())
LABELS = {"id2label": {0: "one", 1: "two", 2: "three"}, "label2id": {"one": 0, "two": 1, "three": 2}}


def shaken(model: torch.nn.Module) -> torch.nn.Module:
    """The model with every parameter moved a little, as training does."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def save(model: tf.PreTrainedModel, folder: Path, *write: Callable[[Path], None]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    shaken(model).save_pretrained(folder)
    for one in write:
        one(folder)
    return folder


def write_json(folder: Path, name: str, content: object) -> None:
    (folder / name).write_text(json.dumps(content))


def image_processor(kind: str = "ViTImageProcessor", **extra: object) -> Callable[[Path], None]:
    content = {
        "image_processor_type": kind,
        "do_resize": True,
        "size": {"height": 32, "width": 32},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    } | extra
    return lambda folder: write_json(folder, "preprocessor_config.json", content)


def word_tokenizer(folder: Path, extra: str = "", more: tuple[str, ...] = ()) -> None:
    """A word-level tokenizer with BERT's special tokens; `extra` are further words of one character each."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    words = {word: number for number, word in enumerate((*WORDS, *extra, *more))}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer() if extra else normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    roles = {"unk": "[UNK]", "pad": "[PAD]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    names = {f"{role}_token": token for role, token in roles.items()}
    tf.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)


def character_tokenizer(folder: Path) -> None:
    """wav2vec2's: characters, with the blank as padding."""
    characters = ["<pad>", "<s>", "</s>", "<unk>", "|", *"abcdefghijklmnopqrstuvwxyz"]
    write_json(folder, "vocab.json", {character: number for number, character in enumerate(characters)})
    write_json(
        folder,
        "tokenizer_config.json",
        {"tokenizer_class": "Wav2Vec2CTCTokenizer", "unk_token": "<unk>", "pad_token": "<pad>"},
    )


def sound_processor(kind: str, **extra: object) -> Callable[[Path], None]:
    content = {"feature_extractor_type": kind, "sampling_rate": 16000} | extra
    return lambda folder: write_json(folder, "preprocessor_config.json", content)


def vit(folder: Path, head: str = "ViTForImageClassification") -> Path:
    config = tf.ViTConfig(**WIDTH, **PICTURE, **LABELS)
    return save(getattr(tf, head)(config), folder, image_processor())


def dinov2(folder: Path) -> Path:
    config = tf.Dinov2Config(**{**WIDTH, "mlp_ratio": 2}, **PICTURE)
    return save(tf.Dinov2Model(config), folder, image_processor())


def yolos(folder: Path) -> Path:
    config = tf.YolosConfig(**WIDTH, image_size=[32, 32], patch_size=8, num_detection_tokens=5, **LABELS)
    size = {"shortest_edge": 32, "longest_edge": 48}
    return save(tf.YolosForObjectDetection(config), folder, image_processor("YolosImageProcessor", size=size))


def segformer(folder: Path) -> Path:
    config = tf.SegformerConfig(
        depths=[1, 1], num_encoder_blocks=2, hidden_sizes=[8, 16], num_attention_heads=[1, 2], sr_ratios=[2, 1],
        patch_sizes=[3, 3], strides=[2, 2], mlp_ratios=[2, 2], decoder_hidden_size=16, **LABELS,
    )  # fmt: skip
    return save(tf.SegformerForSemanticSegmentation(config), folder, image_processor("SegformerImageProcessor"))


def mask2former(folder: Path) -> Path:
    swin = tf.SwinConfig(
        image_size=64, patch_size=2, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 1, 1], window_size=2,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = tf.Mask2FormerConfig(
        backbone_config=swin, feature_size=32, mask_feature_size=32, hidden_dim=32, encoder_feedforward_dim=16,
        encoder_layers=1, decoder_layers=2, num_attention_heads=2, dim_feedforward=16, num_queries=5, **LABELS,
    )  # fmt: skip
    processor = image_processor("Mask2FormerImageProcessor", size={"height": 64, "width": 64})
    return save(tf.Mask2FormerForUniversalSegmentation(config), folder, processor)


def bert(
    folder: Path,
    head: str,
    *,
    tokenizer: Callable[[Path], None] = word_tokenizer,
    vocab_size: int = len(WORDS),
    **fields: object,
) -> Path:
    config = tf.BertConfig(**WIDTH, vocab_size=vocab_size, max_position_embeddings=64, **{**LABELS, **fields})
    return save(getattr(tf, head)(config), folder, tokenizer)


def llama(folder: Path) -> Path:
    config = tf.LlamaConfig(**WIDTH, num_key_value_heads=1, vocab_size=len(WORDS), tie_word_embeddings=True)
    return save(tf.LlamaForCausalLM(config), folder, word_tokenizer)


def llama_or_copy(folder: Path, base: Path | None) -> Path:
    """A tiny Llama, or a copy of `base` where there is one."""
    return llama(folder) if base is None else Path(shutil.copytree(base, folder))


def _wav2vec2_config() -> tf.Wav2Vec2Config:
    return tf.Wav2Vec2Config(
        **WIDTH, vocab_size=31, conv_dim=[16, 16], conv_kernel=[10, 3], conv_stride=[80, 4], num_feat_extract_layers=2,
        num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2, pad_token_id=0,
    )  # fmt: skip


def wav2vec2(folder: Path, head: str = "Wav2Vec2ForCTC") -> Path:
    model = getattr(tf, head)(_wav2vec2_config())
    processor = sound_processor("Wav2Vec2FeatureExtractor", feature_size=1, do_normalize=True, padding_value=0.0)
    return save(model, folder, processor, character_tokenizer)


def whisper(folder: Path) -> Path:
    config = tf.WhisperConfig(
        d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=48, decoder_ffn_dim=48, num_mel_bins=8, vocab_size=len(WORDS), max_source_positions=1500,
        max_target_positions=16, decoder_start_token_id=2, pad_token_id=0, bos_token_id=2, eos_token_id=3,
        suppress_tokens=None, begin_suppress_tokens=None,
    )  # fmt: skip
    processor = sound_processor(
        "WhisperFeatureExtractor", feature_size=8, hop_length=160, n_fft=400, chunk_length=30, padding_value=0.0
    )
    return save(tf.WhisperForConditionalGeneration(config), folder, processor, word_tokenizer)


def clip(folder: Path) -> Path:
    text = {**WIDTH, "vocab_size": len(WORDS), "eos_token_id": 3, "bos_token_id": 2, "pad_token_id": 0}
    config = tf.CLIPConfig(text_config=text, vision_config={**WIDTH, **PICTURE}, projection_dim=16)
    processor = image_processor(
        "CLIPImageProcessor", size={"shortest_edge": 32}, do_center_crop=True, crop_size={"height": 32, "width": 32}
    )
    return save(tf.CLIPModel(config), folder, processor, word_tokenizer)


def t5(folder: Path) -> Path:
    config = tf.T5Config(
        d_model=32, d_kv=16, d_ff=48, num_layers=2, num_heads=2, vocab_size=len(WORDS), pad_token_id=0, eos_token_id=3,
        decoder_start_token_id=0,
    )  # fmt: skip
    return save(tf.T5ForConditionalGeneration(config), folder, word_tokenizer)


TRANSLATOR = {
    "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
    "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "vocab_size": len(WORDS), "max_position_embeddings": 64,
    "pad_token_id": 0, "eos_token_id": 3, "forced_eos_token_id": None,
    "init_std": 0.2,  # its layers do much, so that what it writes depends on what it reads
}  # fmt: skip


def bart(folder: Path) -> Path:
    config = tf.BartConfig(**TRANSLATOR, bos_token_id=2, decoder_start_token_id=3)
    return save(tf.BartForConditionalGeneration(config), folder, word_tokenizer)


def marian(folder: Path) -> Path:
    """A translator whose positions are computed and not trained."""
    config = tf.MarianConfig(**TRANSLATOR, decoder_start_token_id=0)
    return save(tf.MarianMTModel(config), folder, word_tokenizer)


def trocr(folder: Path) -> Path:
    """A picture's encoder and a text's decoder, as TrOCR and Donut are."""
    encoder = tf.ViTConfig(**WIDTH, **PICTURE)
    decoder = tf.TrOCRConfig(
        d_model=32, decoder_layers=2, decoder_attention_heads=2, decoder_ffn_dim=48, vocab_size=len(WORDS),
        cross_attention_hidden_size=32, max_position_embeddings=64,
    )  # fmt: skip
    config = tf.VisionEncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
    config.decoder_start_token_id, config.pad_token_id = 2, 0
    return save(tf.VisionEncoderDecoderModel(config=config), folder, image_processor(), word_tokenizer)


PICTURE_WORD = "<image>"


def llava(folder: Path) -> Path:
    text = tf.LlamaConfig(**WIDTH, num_key_value_heads=1, vocab_size=len(WORDS) + 1)
    vision = tf.CLIPVisionConfig(**WIDTH, **PICTURE)
    config = tf.LlavaConfig(text_config=text, vision_config=vision, image_token_id=len(WORDS), vision_feature_layer=-1)
    return save(tf.LlavaForConditionalGeneration(config), folder, image_processor(), picture_tokenizer)


def llava_chat(folder: Path) -> Path:
    """With the processor that writes the prompt by its chat template."""
    llava(folder)
    template = (
        "{% for message in messages %}{% for part in message['content'] %}"
        "{{ part['text'] if part['type'] == 'text' else '" + PICTURE_WORD + " ' }}"
        "{% endfor %}{% endfor %} runs"
    )
    pinned = {} if tf.__version__.startswith("4.") else {"backend": "pil"}
    tokenizer = tf.AutoTokenizer.from_pretrained(folder)
    tokenizer.add_special_tokens({"additional_special_tokens": [PICTURE_WORD]})
    tf.LlavaProcessor(
        tf.AutoImageProcessor.from_pretrained(folder, **pinned), tokenizer, patch_size=8,
        vision_feature_select_strategy="default", num_additional_image_tokens=1, image_token=PICTURE_WORD,
        chat_template=template,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def picture_tokenizer(folder: Path) -> None:
    """The word-level tokenizer with the token that stands for a part of a picture."""
    word_tokenizer(folder, more=(PICTURE_WORD,))


def voxtral(folder: Path) -> Path:
    """A language model with the features of a sound in its prompt, as many as the model itself says."""
    audio = tf.VoxtralEncoderConfig(
        hidden_size=32, intermediate_size=128, num_hidden_layers=1, num_attention_heads=2, num_mel_bins=8,
    )  # fmt: skip
    text = tf.LlamaConfig(**WIDTH, num_key_value_heads=1, vocab_size=len(WORDS) + 1)
    config = tf.VoxtralConfig(audio_config=audio, text_config=text, audio_token_id=len(WORDS))
    processor = sound_processor(
        "WhisperFeatureExtractor", feature_size=8, hop_length=160, n_fft=400, chunk_length=30, padding_value=0.0
    )
    return save(tf.VoxtralForConditionalGeneration(config), folder, processor, sound_tokenizer)


def sound_tokenizer(folder: Path) -> None:
    """The word-level tokenizer with the token that stands for a part of a sound."""
    word_tokenizer(folder, more=("<audio>",))


def vits(folder: Path) -> Path:
    config = tf.VitsConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, window_size=2, ffn_dim=16,
        flow_size=16, spectrogram_bins=9, upsample_initial_channel=16, upsample_rates=[4, 2],
        upsample_kernel_sizes=[8, 4], resblock_kernel_sizes=[3], resblock_dilation_sizes=[[1]],
        prior_encoder_num_flows=1, prior_encoder_num_wavenet_layers=1, posterior_encoder_num_wavenet_layers=1,
        wavenet_kernel_size=3, duration_predictor_flow_bins=4, duration_predictor_num_flows=2,
        depth_separable_num_layers=1, duration_predictor_filter_channels=16,
    )  # fmt: skip
    return save(tf.VitsModel(config), folder, word_tokenizer)


def speecht5(folder: Path) -> Path:
    config = tf.SpeechT5Config(
        vocab_size=len(WORDS), hidden_size=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, num_mel_bins=8,
        speech_decoder_prenet_units=16, speech_decoder_postnet_units=16, speech_decoder_postnet_layers=2,
        speaker_embedding_dim=8, max_text_positions=64,
        conv_dim=[16], conv_kernel=[10], conv_stride=[5], max_speech_positions=64, positional_dropout=0.0,
    )  # fmt: skip
    return save(tf.SpeechT5ForTextToSpeech(config), folder, word_tokenizer)


def layoutlm(folder: Path) -> Path:
    config = tf.LayoutLMConfig(**WIDTH, vocab_size=len(WORDS), max_position_embeddings=64, num_labels=2)
    return save(tf.LayoutLMForQuestionAnswering(config), folder, word_tokenizer)


def layoutlmv3(folder: Path) -> Path:
    config = tf.LayoutLMv3Config(
        **WIDTH, vocab_size=len(WORDS), max_position_embeddings=64, input_size=32, patch_size=8, coordinate_size=5,
        shape_size=6, num_labels=2, max_2d_position_embeddings=1024,
    )  # fmt: skip
    return save(
        tf.LayoutLMv3ForQuestionAnswering(config), folder, word_tokenizer, image_processor("LayoutLMv3ImageProcessor")
    )


def depth_anything(folder: Path) -> Path:
    backbone = tf.Dinov2Config(
        **{**WIDTH, "mlp_ratio": 2}, **PICTURE, out_indices=[1, 2], reshape_hidden_states=False, apply_layernorm=True
    )
    config = tf.DepthAnythingConfig(
        backbone_config=backbone, patch_size=8, reassemble_hidden_size=32, reassemble_factors=[2, 1],
        neck_hidden_sizes=[8, 16], fusion_hidden_size=8, head_hidden_size=8, head_in_index=-1,
        depth_estimation_type="metric", max_depth=10,
    )  # fmt: skip
    return save(tf.DepthAnythingForDepthEstimation(config), folder, image_processor("DPTImageProcessor"))


def swin2sr(folder: Path) -> Path:
    config = tf.Swin2SRConfig(
        image_size=16, embed_dim=16, depths=[1, 1], num_heads=[2, 2], window_size=4, mlp_ratio=2.0, upscale=2
    )
    processor = {"image_processor_type": "Swin2SRImageProcessor", "do_rescale": True, "do_pad": True, "pad_size": 8}
    return save(
        tf.Swin2SRForImageSuperResolution(config),
        folder,
        lambda folder: write_json(folder, "preprocessor_config.json", processor),
    )


def vitpose(folder: Path) -> Path:
    backbone = tf.VitPoseBackboneConfig(
        **{**WIDTH, "mlp_ratio": 2}, image_size=[32, 24], patch_size=[8, 8], out_indices=[2]
    )
    joints = dict(enumerate(("nose", "left eye", "right eye")))
    config = tf.VitPoseConfig(backbone_config=backbone, id2label=joints, use_simple_decoder=True)
    processor = image_processor("VitPoseImageProcessor", do_resize=False, size={"height": 32, "width": 24})
    return save(tf.VitPoseForPoseEstimation(config), folder, processor)


def sam(folder: Path) -> Path:
    vision = {
        **WIDTH, "output_channels": 16, "image_size": 64, "patch_size": 8, "window_size": 4, "num_pos_feats": 8,
        "global_attn_indexes": [1], "mlp_dim": 48,
    }  # fmt: skip
    config = tf.SamConfig(
        vision_config=vision,
        prompt_encoder_config={"hidden_size": 16, "image_size": 64, "patch_size": 8, "mask_input_channels": 4},
        mask_decoder_config={
            "hidden_size": 16, "mlp_dim": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
            "iou_head_hidden_dim": 16,
        },
    )  # fmt: skip
    processor = image_processor(
        "SamImageProcessor", size={"longest_edge": 64}, do_pad=True, pad_size={"height": 64, "width": 64}
    )
    return save(tf.SamModel(config), folder, processor)


def videomae(folder: Path) -> Path:
    config = tf.VideoMAEConfig(**WIDTH, **PICTURE, num_frames=4, tubelet_size=2, **LABELS)
    return save(tf.VideoMAEForVideoClassification(config), folder, image_processor())


def timesfm(folder: Path) -> Path:
    config = tf.TimesFmConfig(
        patch_length=8, context_length=32, horizon_length=16, num_hidden_layers=2, hidden_size=32, intermediate_size=32,
        head_dim=16, num_attention_heads=2,
    )  # fmt: skip
    return save(tf.TimesFmModelForPrediction(config), folder)


def sentence_modules(folder: Path, mode: str = "mean", *more: str) -> None:
    """What sentence-transformers writes beside a transformer, as its hub repositories hold it."""
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    modules += [(f"{3 + number}_{kind}", kind) for number, kind in enumerate(more)]
    listed = [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for number, (path, kind) in enumerate(modules)
    ]
    write_json(folder, "modules.json", listed)
    (folder / "1_Pooling").mkdir()
    flags = {f"pooling_mode_{name}": name.startswith(mode) for name in ("cls_token", "mean_tokens", "max_tokens")}
    write_json(folder, "1_Pooling/config.json", {"word_embedding_dimension": 32, **flags})
    write_json(folder, "sentence_bert_config.json", {"max_seq_length": 16, "do_lower_case": False})


def sentence_encoder(folder: Path) -> Path:
    bert(folder, "BertModel")
    sentence_modules(folder)
    return folder


# name -> (writer, the row it must be taken for, its outputs and their shapes; None stands for a length of the input)
MAKERS: dict[str, tuple[Callable[[Path], Path], str, dict[str, tuple[int | None, ...]]]] = {
    "vit": (vit, "image-classification", {"logits": (1, 3), "last_hidden_state": (1, 17, 32)}),
    "vit-base": (
        lambda folder: vit(folder, "ViTModel"),
        "image-feature-extraction",
        {"last_hidden_state": (1, 17, 32), "pooler_output": (1, 32)},
    ),
    "dinov2": (
        dinov2,
        "image-feature-extraction",
        {"last_hidden_state": (1, 17, 32), "pooler_output": (1, 32)},
    ),
    "yolos": (
        yolos,
        "object-detection",
        {"logits": (1, 5, 4), "pred_boxes": (1, 5, 4), "last_hidden_state": (1, None, 32)},
    ),
    "segformer": (
        segformer,
        "image-segmentation",
        {"logits": (1, 3, 16, 16), "last_hidden_state": (1, 16, 8, 8)},
    ),
    "mask2former": (
        mask2former,
        "mask-segmentation",
        {"class_queries_logits": (1, 5, 4), "masks_queries_logits": (1, 5, None, None)},
    ),
    "bert-base": (
        lambda folder: bert(folder, "BertModel"),
        "feature-extraction",
        {"last_hidden_state": (1, None, 32), "pooler_output": (1, 32)},
    ),
    "bert-mask": (
        lambda folder: bert(folder, "BertForMaskedLM"),
        "fill-mask",
        {"logits": (1, None, len(WORDS)), "mask_logits": (1, len(WORDS)), "last_hidden_state": (1, None, 32)},
    ),
    "bert-classes": (
        lambda folder: bert(folder, "BertForSequenceClassification"),
        "text-classification",
        {"logits": (1, 3), "last_hidden_state": (1, None, 32)},
    ),
    "bert-tokens": (
        lambda folder: bert(folder, "BertForTokenClassification"),
        "token-classification",
        {"logits": (1, None, 3), "last_hidden_state": (1, None, 32)},
    ),
    "llama": (
        llama,
        "text-generation",
        {"logits": (1, None, len(WORDS)), "next_token_logits": (1, len(WORDS))},
    ),
    "wav2vec2": (
        wav2vec2,
        "automatic-speech-recognition",
        {"logits": (1, None, 31), "last_hidden_state": (1, None, 32)},
    ),
    "wav2vec2-base": (
        lambda folder: wav2vec2(folder, "Wav2Vec2Model"),
        "audio-feature-extraction",
        {"last_hidden_state": (1, None, 32), "extract_features": (1, None, 16)},
    ),
    "wav2vec2-classes": (
        lambda folder: wav2vec2(folder, "Wav2Vec2ForSequenceClassification"),
        "audio-classification",
        {"logits": (1, 2), "last_hidden_state": (1, None, 32)},
    ),
    "whisper": (
        whisper,
        "speech-to-text",
        {"encoder_last_hidden_state": (1, 100, 32), "first_step_logits": (1, len(WORDS))},
    ),
    "voxtral": (
        voxtral,
        "audio-text-to-text",
        {"logits": (1, None, len(WORDS) + 1), "next_token_logits": (1, len(WORDS) + 1)},
    ),
    "clip": (
        clip,
        "zero-shot-image-classification",
        {"logits_per_image": (1, 6), "image_embeds": (1, 16), "text_embeds": (6, 16)},
    ),
    "bert-answers": (
        lambda folder: bert(folder, "BertForQuestionAnswering", id2label=None, num_labels=2),
        "question-answering",
        {"start_logits": (1, None), "end_logits": (1, None), "last_hidden_state": (1, None, 32)},
    ),
    "t5": (
        t5,
        "text2text-generation",
        {
            "encoder_last_hidden_state": (1, None, 32),
            "logits": (1, None, len(WORDS)),
            "first_step_logits": (1, len(WORDS)),
        },
    ),
    "trocr": (
        trocr,
        "image-to-text",
        {
            "encoder_last_hidden_state": (1, 17, 32),
            "logits": (1, 1, len(WORDS)),
            "first_step_logits": (1, len(WORDS)),
        },
    ),
    "llava": (
        llava,
        "image-text-to-text",
        {
            "logits": (1, None, len(WORDS) + 1),
            "next_token_logits": (1, len(WORDS) + 1),
        },
    ),
    "llava-chat": (
        llava_chat,
        "image-text-to-text",
        {"logits": (1, None, len(WORDS) + 1), "next_token_logits": (1, len(WORDS) + 1)},
    ),
    "vits": (vits, "text-to-speech", {"waveform": (1, None), "spectrogram": (1, 16, None)}),
    "speecht5": (
        speecht5,
        "text-to-spectrogram",
        {"spectrogram": (1, 16, 8), "encoder_last_hidden_state": (1, None, 32)},
    ),
    "layoutlm": (
        layoutlm,
        "document-question-answering",
        {"start_logits": (1, None), "end_logits": (1, None), "last_hidden_state": (1, None, 32)},
    ),
    "layoutlmv3": (
        layoutlmv3,
        "document-image-question-answering",
        {"start_logits": (1, None), "end_logits": (1, None), "last_hidden_state": (1, None, 32)},
    ),
    "depth-anything": (depth_anything, "depth-estimation", {"predicted_depth": (1, None, None)}),
    "swin2sr": (
        swin2sr,
        "image-to-image",
        {"reconstruction": (1, 3, None, None)},
    ),
    "vitpose": (vitpose, "pose-estimation", {"heatmaps": (1, 3, None, None)}),
    "sam": (sam, "mask-generation", {"pred_masks": (1, 1, 3, None, None), "iou_scores": (1, 1, 3)}),
    "videomae": (videomae, "video-classification", {"logits": (1, 3), "last_hidden_state": (1, 32, 32)}),
    "timesfm": (
        timesfm,
        "time-series-forecasting",
        {"mean_predictions": (1, None), "full_predictions": (1, None, None), "last_hidden_state": (1, None, 32)},
    ),
    "sentences": (sentence_encoder, "sentence-similarity", {"sentence_embedding": (4, 32)}),
    "next-sentence": (
        lambda folder: bert(folder, "BertForNextSentencePrediction", id2label=None, num_labels=2),
        "model-outputs",
        {"logits": (1, 2)},
    ),
    "cross-encoder": (
        lambda folder: bert(folder, "BertForSequenceClassification", id2label={0: "LABEL_0"}, label2id={"LABEL_0": 0}),
        "text-ranking",
        {"scores": (1, 4)},
    ),
}
if tf.__version__.startswith("4."):
    del MAKERS["vitpose"]  # there is no table of poses
    del MAKERS["sam"]  # it is saved without its second embedding of positions, which is tied to the first
