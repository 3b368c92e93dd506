"""Models on this disk: files, configurations, weights, inputs and tasks."""

from __future__ import annotations

CHINESE: dict[str, str] = {
    "the model cannot be built with --attention {attention}: {cause}": (
        "无法用 --attention {attention} 构建该模型：{cause}"
    ),
    "give --attention auto or eager": "请用 --attention auto 或 eager",
    "{path} holds no {safetensors} or {pickle}": "{path} 中没有 {safetensors} 或 {pickle}",
    "fetch the model again with all its files": "重新下载该模型的全部文件",
    "{path} holds several variants of the weights: {names}": "{path} 中有多种权重变体：{names}",
    "copy or link the one that is meant to {safetensors}": "把需要的那一个复制或链接为 {safetensors}",
    "{index} names a shard that is not in its folder: {outside!r}": "{index} 中的分片不在其所在目录：{outside!r}",
    "fetch the model again: npu-adapt fetch MODEL, or npu-adapt models verify to see which file differs": (
        "重新下载模型：npu-adapt fetch MODEL；或用 npu-adapt models verify 查看哪个文件不同"
    ),
    "{index} names {count} shards; missing: {names}": "{index} 列出 {count} 个分片，缺少：{names}",
    "{index} is not a weight index: it names no shard": "{index} 不是权重索引：其中没有列出分片",
    "the weights are a pickle ({files}), which can run code when it is read": (
        "权重是 pickle 文件（{files}），读取时可能执行代码"
    ),
    "prefer a checkpoint with safetensors; if you trust this one, give --allow-pickle": (
        "优先使用 safetensors 格式；如果信任该文件，请加 --allow-pickle"
    ),
    "{index} is not a weight index: {said}": "{index} 不是权重索引：{said}",
    "{path} has no {config}": "{path} 中没有 {config}",
    "name a directory in the Hugging Face format": "请指定 Hugging Face 格式的目录",
    "{file} holds no fields, but a {type}": "{file} 的内容不是字段，而是 {type}",
    "fetch the model again": "重新下载该模型",
    "the model in {path} brings its own code, which is not run unasked": (
        "{path} 中的模型带有自己的代码，未经允许不会运行"
    ),
    "read the model's own code; if you trust it, give --trust-remote-code": (
        "阅读该模型自带的代码；如果信任，请加 --trust-remote-code"
    ),
    "this transformers does not know the architecture in {file}: model_type {model_type!r}, {architectures}": (
        "当前 transformers 不认识 {file} 中的架构：model_type {model_type!r}，{architectures}"
    ),
    "no class": "没有类名",
    "upgrade transformers, or give --trust-remote-code where the model brings its own code": (
        "升级 transformers；如果模型自带代码，请加 --trust-remote-code"
    ),
    "{path} is quantised ({method}): its tensors are not the weights, and cannot be proven to be": (
        "{path} 是量化模型（{method}）：其中的张量不是权重本身，无法验证"
    ),
    "take the checkpoint in float32, float16 or bfloat16 that it was made from": (
        "请使用量化之前的 float32、float16 或 bfloat16 检查点"
    ),
    "{file} cannot be read: {said}": "无法读取 {file}：{said}",
    "fetch the model again: npu-adapt fetch MODEL": "重新下载模型：npu-adapt fetch MODEL",
    "{path} is quantised: {name} is stored as {dtype}, which is no weight without its scale": (
        "{path} 是量化模型：{name} 以 {dtype} 存储，没有缩放系数就不是权重"
    ),
    "{config} says {name} {number}": "{config} 中 {name} 为 {number}",
    "{config} says {name} {number}; the weight files hold {count} tensors of {elements} elements in all": (
        "{config} 中 {name} 为 {number}，而权重文件共有 {count} 个张量、{elements} 个元素"
    ),
    "config.json and the weights do not belong together; fetch the model again": (
        "config.json 与权重不匹配；请重新下载该模型"
    ),
    "{path} holds pixels that are NaN or infinite": "{path} 中有 NaN 或无穷大的像素",
    "clean it first, or save it as PNG": "请先清理，或另存为 PNG",
    "{path} is empty (0 bytes)": "{path} 是空文件（0 字节）",
    "give a PNG, JPEG, WebP, BMP or TIFF file": "请给出 PNG、JPEG、WebP、BMP 或 TIFF 文件",
    "{path} has {width} × {height} = {millions:.0f} million pixels; at most {most} million are read": (
        "{path} 有 {width} × {height} = {millions:.0f} 百万像素；最多读取 {most} 百万"
    ),
    "scale it down first; models see a few hundred pixels a side": "请先缩小；模型只看每边几百个像素",
    "{path} is not a picture: its bytes are of no known format": "{path} 不是图片：其内容不属于任何已知格式",
    "{path} is not a picture that can be read: {said}": "{path} 不是可读取的图片：{said}",
    "cannot read the input {path}: {reason}": "无法读取输入 {path}：{reason}",
    "{file} says {fields} {value!r}, which the model's code does not know": (
        "{file} 中 {fields} 为 {value!r}，而模型的代码不认识它"
    ),
    "correct the field, or install the transformers version that the model was made for": (
        "请更正该字段，或安装该模型所对应的 transformers 版本"
    ),
    "{file} holds NaN in {names}": "{file} 中含 NaN 的权重：{names}",
    "{file} holds infinite values in {names}": "{file} 中含无穷大的权重：{names}",
    "{file} holds values beyond the range of the model's type in {names}": (
        "{file} 中有超出模型数据类型范围的权重：{names}"
    ),
    "{type} holds values beyond the range of {dtype} in {names}": "{type} 中有超出 {dtype} 范围的权重：{names}",
    "give --dtype bfloat16 or float32: these values become infinite in the type that they are loaded in": (
        "请用 --dtype bfloat16 或 float32：这些值在当前数据类型中会变成无穷大"
    ),
    "the checkpoint was saved from a training that diverged, or damaged; take another revision of it": (
        "该检查点来自发散的训练，或已损坏；请换一个版本"
    ),
    "{path} holds tensors that scale, shift or replace weights that {row} uses, and the model does not read "
    "them: {names}": ("{path} 中有张量用于缩放、平移或替换 {row} 所用的权重，而模型不读取它们：{names}"),
    "no weight of {path} is used by {row}": "{row} 没有用到 {path} 中的任何权重",
    "transformers {version} does not read {config} as it was written: {names}": (
        "transformers {version} 读出的 {config} 与写入的不一致：{names}"
    ),
    "{field} {written} is read as {loaded}": "{field} {written} 被读成 {loaded}",
    "install the transformers version that wrote it, or a newer one: the numbers would be another model's": (
        "安装写入该文件的 transformers 版本或更新的版本：否则数值属于另一个模型"
    ),
    "weights that {row} uses are {fault}: {names}": "{row} 所用的部分权重{fault}：{names}",
    "stored as whole numbers, which are no weights without their scales": "以整数存储，没有缩放系数就不是权重",
    "not in the checkpoint, so their values would be random": "不在检查点中，其值会是随机的",
    "{path} holds another model or head; leave --task out, or take the checkpoint made for it": (
        "{path} 中是另一个模型或任务头；去掉 --task，或使用为该任务训练的检查点"
    ),
    "of another shape in the checkpoint": "与检查点中的形状不同",
    "not equal to the tensors of their names in the checkpoint": "与检查点中同名张量的值不同",
    "{model} is not on this disk ({tried})": "本机磁盘上没有 {model}（{tried}）",
    "no cache or root on this disk": "本机磁盘上没有缓存或权重目录",
    "check the spelling; fetch it with npu-adapt fetch, or name the folder that holds it with --weights-root": (
        "检查拼写；用 npu-adapt fetch 下载，或用 --weights-root 指定其所在目录"
    ),
    "incomplete: {count} files are missing, {file} first": "不完整：缺少 {count} 个文件，第一个是 {file}",
    "bring what is missing: npu-adapt fetch MODEL": "补齐缺少的文件：npu-adapt fetch MODEL",
    "{model!r} is a file, and a model is a folder": "{model!r} 是文件，而模型应是目录",
    "{model!r} is not there": "{model!r} 不存在",
    "name the folder that holds config.json; an id of a hub is ORG/NAME": (
        "请指定包含 config.json 的目录；Hub 上的 ID 形如 ORG/NAME"
    ),
    "{model!r} is neither a directory nor a model id": "{model!r} 既不是目录，也不是模型 ID",
    "an id is ORG/NAME: google/vit-base-patch16-224": "ID 形如 ORG/NAME：google/vit-base-patch16-224",
    "{revision!r} is no revision": "{revision!r} 不是版本",
    "give a branch, a tag or a commit: --revision main": "请给出分支、标签或提交号：--revision main",
    "the folder {path} is taken for {model}: {cause}": "{model} 被当作目录 {path}：{cause}",
    "{hint}; to have the hub's {model}, run from another folder or rename this one": (
        "{hint}；要使用 Hub 上的 {model}，请换一个目录运行，或给该目录改名"
    ),
    "there is no {model}": "没有 {model}",
    "built in: {names}": "内置模型：{names}",
    "not there": "不存在",
    "found": "已找到",
    "cannot be read: {why} ({filename})": "无法读取：{why}（{filename}）",
    "give this user the right to read it, or name another cache or folder": "给当前用户读取权限，或指定其他缓存或目录",
    "config.json is not an object": "config.json 不是 JSON 对象",
    "no object": "不是对象",
    "not there, but revision {revision} is": "不存在，但有版本 {revision}",
    "take the revision that is there: --revision {revision}": "使用已有的版本：--revision {revision}",
    "no weights": "没有权重",
    "name a folder or a repository that holds safetensors": "请指定包含 safetensors 的目录或仓库",
    "incomplete: more than half of {file} was never written": "不完整：{file} 有一半以上从未写入",
    "incomplete: {short} is cut short, or no safetensors file": "不完整：{short} 被截断，或不是 safetensors 文件",
    "incomplete: {count} of {shards} shards are missing, {file} first": (
        "不完整：{shards} 个分片缺少 {count} 个，第一个是 {file}"
    ),
    "{pointer} is a Git LFS pointer, not the file itself": "{pointer} 是 Git LFS 指针文件，而不是文件本身",
    "bring the file: git lfs pull in that folder, or npu-adapt fetch MODEL": (
        "取得该文件：在该目录运行 git lfs pull，或 npu-adapt fetch MODEL"
    ),
    "no config.json": "没有 config.json",
    "only pickled weights, which --allow-pickle would read": "只有 pickle 权重，需要 --allow-pickle",
    "a pickle can run code when it is read; if you trust this one, give --allow-pickle": (
        "pickle 文件在读取时可能执行代码；如果信任该文件，请加 --allow-pickle"
    ),
    "{index} claims an absurd size": "{index} 声明的大小不合理",
    "config.json is damaged: {error}": "config.json 已损坏：{error}",
    "weights in the publisher's own format": "发布者自有格式的权重",
    "take the files that are made for transformers, often in a repository named …-hf": (
        "使用为 transformers 准备的文件，所在仓库的名称通常以 -hf 结尾"
    ),
    "a training checkpoint": "训练检查点",
    "load it with the code that wrote it, and write the weights with save_pretrained": (
        "用写入它的代码加载，再用 save_pretrained 写出权重"
    ),
    "weights under a name that transformers does not read": "文件名不是 transformers 会读取的权重",
    "load them with the code that wrote them, and write them with save_pretrained": (
        "用写入它们的代码加载，再用 save_pretrained 写出"
    ),
    "{file} says {name} {told}, and {config} {own}": "{file} 中 {name} 为 {told}，而 {config} 中为 {own}",
    "one of several GGUF files": "若干 GGUF 文件之一",
    "keep the one that is meant beside config.json and the tokenizer's files of the original, or take the one that "
    "holds safetensors": (
        "请把所需的那个文件与原模型的 config.json 和分词器文件放在同一文件夹；或使用提供 safetensors 的仓库"
    ),
    "no config.json beside the GGUF file": "GGUF 文件旁没有 config.json",
    "put config.json and the tokenizer's files of the model that it was made from beside it": (
        "请把原模型的 config.json 和分词器文件放在它旁边"
    ),
    "TensorFlow or Flax weights": "TensorFlow 或 Flax 权重",
    "convert them to safetensors": "将其转换为 safetensors",
    "an adapter (LoRA), which is no model by itself": "适配器（LoRA），本身不是完整模型",
    "merge it into its base model with peft (merge_and_unload, save_pretrained), and name that folder": (
        "用 peft 将其合并到基础模型（merge_and_unload、save_pretrained），再指定合并后的目录"
    ),
    "a pipeline of several models (diffusers)": "由多个模型组成的流水线（diffusers）",
    "name the folder of one of its models that transformers reads, such as text_encoder": (
        "指定其中 transformers 能读取的一个模型的目录，例如 text_encoder"
    ),
    "a pipeline of sentence-transformers": "sentence-transformers 的流水线",
    "name the folder of its first module, such as 0_Transformer": "指定其第一个模块的目录，例如 0_Transformer",
    "no weights for transformers: {other} is {what}": "没有 transformers 可用的权重：{other} 是{what}",
    "name a directory in the Hugging Face format: config.json beside the weights": (
        "请指定 Hugging Face 格式的目录：权重旁边有 config.json"
    ),
    "{index} is damaged: {error}": "{index} 已损坏：{error}",
    "no config.json; with {name} it is {what}": "没有 config.json；有 {name}，说明它是{what}",
    "{odd} is not a regular file": "{odd} 不是普通文件",
    "a model's files are files; take it out of the folder": "模型文件必须是普通文件；请把它移出该目录",
    "{folder} cannot be read: {reason}": "无法读取 {folder}：{reason}",
    "look at its owner and rights": "检查其所有者和权限",
    "the registry {path} cannot be written: {reason}": "无法写入登记表 {path}：{reason}",
    "name a folder that can be written with --cache-dir DIR, or set NPU_ADAPT_CACHE": (
        "用 --cache-dir DIR 指定可写的目录，或设置 NPU_ADAPT_CACHE"
    ),
    "this user has no home folder, and {folder} belongs to another": "当前用户没有主目录，而 {folder} 属于其他用户",
    "set HOME to a folder of this user": "请将 HOME 设为该用户自己的目录",
    "{path}: whose home folder that is, is not known here": "{path}：此处不知道它指的是谁的主目录",
    "write the folder out, or set HOME": "请写出完整目录，或设置 HOME",
    "{path} has schema version {version}; this npu-adapt reads up to {index_schema_version}": (
        "{path} 的结构版本是 {version}；当前 npu-adapt 最高支持 {index_schema_version}"
    ),
    "upgrade npu-adapt (pip install --upgrade npu-adapt), or name another registry with --cache-dir DIR": (
        "升级 npu-adapt（pip install --upgrade npu-adapt），或用 --cache-dir DIR 指定另一个登记表"
    ),
    "the registry {path} cannot be read: {reason}": "无法读取登记表 {path}：{reason}",
    "name another with --cache-dir DIR": "用 --cache-dir DIR 指定另一个",
    "{model} cannot be removed from {path}: {why}": "无法从 {path} 移除 {model}：{why}",
    "check the rights of the folder and of the registry, then remove it again": (
        "检查该目录和登记表的权限，然后再次移除"
    ),
    "give a WAV, FLAC, OGG or MP3 file, for example: ffmpeg -i speech.mp3 -ac 1 -ar 16000 speech.wav": (
        "请给出 WAV、FLAC、OGG 或 MP3 文件，例如：ffmpeg -i speech.mp3 -ac 1 -ar 16000 speech.wav"
    ),
    "{path} holds no sound (0 frames)": "{path} 中没有声音（0 帧）",
    "{path} is longer than {max_seconds:.0f} s": "{path} 超过 {max_seconds:.0f} 秒",
    "cut it; models see seconds at a time": "请截短；模型每次只处理几秒",
    "{path} holds samples that are NaN or infinite": "{path} 中有 NaN 或无穷大的采样",
    "{path} is not a sound file: {said}": "{path} 不是声音文件：{said}",
    "{file} is a Git LFS pointer, not the weights themselves": "{file} 是 Git LFS 指针文件，而不是权重本身",
    "run git lfs pull in its repository, or fetch the model: npu-adapt fetch MODEL": (
        "在其仓库中运行 git lfs pull，或下载模型：npu-adapt fetch MODEL"
    ),
    "sizes and offsets are whole numbers from 0 on, not {entry}": "大小和偏移应是不小于 0 的整数，而不是 {entry}",
    "a tensor of shape {shape} and type {kind} cannot have {size} bytes": (
        "形状 {shape}、类型 {kind} 的张量不可能是 {size} 字节"
    ),
    "{file} is cut short: {size} bytes where its header tells {end}": (
        "{file} 被截断：实际 {size} 字节，文件头记载 {end} 字节"
    ),
    "{file} has bytes that belong to no tensor: {size} bytes where its header tells {end}": (
        "{file} 有不属于任何张量的内容：实际 {size} 字节，文件头记载 {end} 字节"
    ),
    "{file} holds a {type}, not tensors by name": "{file} 中是 {type}，而不是按名称存放的张量",
    "weights are saved with torch.save(model.state_dict(), …), or as safetensors": (
        "权重应以 torch.save(model.state_dict(), …) 保存，或保存为 safetensors"
    ),
    "{file} is not a complete safetensors file: its header should have {length} bytes, the file has {size}": (
        "{file} 不是完整的 safetensors 文件：文件头应有 {length} 字节，文件只有 {size} 字节"
    ),
    "the header of {file} is damaged: {said}": "{file} 的文件头已损坏：{said}",
    "the header of {file} is damaged: {name} is not where it must be": "{file} 的文件头已损坏：{name} 不在应在的位置",
    "{file} is not a file of tensors alone: {said}": "{file} 不是只含张量的文件：{said}",
    "{file} ends before its tensors do": "{file} 在其张量结束之前就结束了",
    "timm's models need timm and a torchvision that fits this torch: pip install 'npu-adapt[timm]'": (
        "timm 的模型需要 timm 以及与当前 torch 匹配的 torchvision：pip install 'npu-adapt[timm]'"
    ),
    "install the package that it names, in a version that fits this torch": (
        "安装其中提到的软件包，版本要与当前 torch 匹配"
    ),
    "{file} is not a configuration that this transformers can build a model from": (
        "{file} 不是当前 transformers 能用来构建模型的配置"
    ),
    "fetch the model again, or install the transformers version that it was made for": (
        "重新下载该模型，或安装它所对应的 transformers 版本"
    ),
    "the tokenizer of {file} cannot be loaded": "无法加载 {file} 的分词器",
    "it comes from tokenizer.json, or tokenizer_config.json with its vocabulary; fetch the model again with all "
    "its files, or install the transformers and tokenizers versions that it was made for": (
        "分词器来自 tokenizer.json，或 tokenizer_config.json 及其词表；重新下载该模型的全部文件，或安装它所对应的"
        " transformers 和 tokenizers 版本"
    ),
    "the processor of {file} cannot be loaded": "无法加载 {file} 的预处理器",
    "it comes from preprocessor_config.json; fetch the model again with all its files, or install the "
    "transformers version that it was made for": (
        "预处理器来自 preprocessor_config.json；重新下载该模型的全部文件，或安装它所对应的 transformers 版本"
    ),
    "the model in {file} cannot be built with its weights": "无法用 {file} 中的权重构建模型",
    "its files do not fit together, or not this transformers; fetch the model again": (
        "其文件互不匹配，或与当前 transformers 不匹配；请重新下载该模型"
    ),
    "the input {file} cannot be prepared for this model": "无法为该模型准备输入 {file}",
    "give another --input": "请换一个 --input",
    "the model in {file} cannot take its default input": "{file} 中的模型无法接受其默认输入",
    "its processor and its configuration may not fit together; give an --input of your own": (
        "其预处理器与配置可能不匹配；请用 --input 给出自己的输入"
    ),
    "the outputs of {file} cannot be read as predictions": "{file} 的输出无法解读为预测结果",
    "the model's outputs do not fit its configuration or its tokenizer": "模型的输出与其配置或分词器不匹配",
    "out of memory while loading: {said}": "加载时内存不足：{said}",
    "close other programs, take a machine with more memory, or --dtype bfloat16": (
        "关闭其他程序，换内存更大的机器，或用 --dtype bfloat16"
    ),
    "unknown task {name!r}": "未知的任务 {name!r}",
    "one of: {names}": "可选：{names}",
    "a model of type {model_type!r} cannot do {asked}": "{model_type!r} 类型的模型不能执行 {asked}",
    "leave --task out, or see --help": "去掉 --task，或查看 --help",
    "no task can be inferred from {named}": "无法从 {named} 推断任务",
    "the model type {model_type!r}": "模型类型 {model_type!r}",
    "give --task, one of: {names}": "请用 --task 指定，可选：{names}",
    "the tokenizer gives the token {token}, and the model has embeddings for {embeddings}": (
        "分词器给出的 token 为 {token}，而模型只有 {embeddings} 个嵌入"
    ),
    "tokenizer and weights do not belong together; fetch the model again": "分词器与权重不匹配；请重新下载该模型",
    "the forward returned no tensor, but {type}": "前向返回的不是张量，而是 {type}",
    "there is nothing to compare; the model's forward has to return its outputs as tensors, or an adapter's "
    "outputs(result) to pick them": (
        "没有可比较的内容；模型的前向必须以张量返回其输出，或由适配器的 outputs(result) 选取"
    ),
    "the tokenizer has no mask token": "该分词器没有掩码 token",
    "this model does not fill masks; give another --task": "该模型不能填充掩码；请用 --task 指定其他任务",
    "the input text gives no tokens to mask": "输入文本没有可以掩码的 token",
    "give a text in the model's language": "请给出模型所用语言的文本",
    "the input text gives no tokens": "输入文本没有产生任何 token",
    "{mask_token} stands beyond the {count} tokens that the model reads": (
        "{mask_token} 位于模型能读取的 {count} 个 token 之后"
    ),
    "shorten the text before it": "请缩短它前面的文本",
    "{path} holds no text": "{path} 中没有文本",
    "give a text of at least one word": "请给出至少一个词的文本",
    "the input text is empty": "输入文本为空",
    "cannot read {path}: {reason}": "无法读取 {path}：{reason}",
    "give a UTF-8 text file, or the text": "请给出 UTF-8 文本文件，或直接给出文本",
    "cannot read {path} as text: {error}": "无法将 {path} 作为文本读取：{error}",
    "{name} is not the file that the hub lists: its bytes have changed on this disk ({file})": (
        "{name} 与 Hub 列出的文件不同：其内容在本机磁盘上已改变（{file}）"
    ),
    "fetch it again: npu-adapt fetch MODEL replaces what differs": "重新下载：npu-adapt fetch MODEL 会替换不同的文件",
    "{file} is not the file that npu-adapt ships: its bytes have changed on this disk": (
        "{file} 与 npu-adapt 自带的文件不同：其内容在本机磁盘上已改变"
    ),
    "install npu-adapt again": "重新安装 npu-adapt",
    "{name} is a Git LFS pointer, not the file itself ({file})": "{name} 是 Git LFS 指针文件，而不是文件本身（{file}）",
    "{name} cannot be read: {reason} ({file})": "无法读取 {name}：{reason}（{file}）",
    "{names} and {count} more": "{names} 等，另有 {count} 个",
    "the model's own code raised this; look into it": "这是模型自带的代码抛出的；请查看该代码",
    "{config} asks for the attention {asked!r} itself; give --attention eager or sdpa": (
        "{config} 自行要求使用 {asked!r} 注意力实现；请用 --attention eager 或 sdpa"
    ),
    "{file} is a Git LFS pointer, not the file itself: run git lfs pull, or fetch the model again": (
        "{file} 是 Git LFS 指针文件，而不是文件本身：请运行 git lfs pull，或重新下载该模型"
    ),
    "its code lies in the repository {repository}: fetch that first": "其代码位于仓库 {repository}：请先下载该仓库",
    "the folder's name is not UTF-8 text, and libraries cannot open it: rename it, or set LC_ALL=C.UTF-8": (
        "目录名不是 UTF-8 文本，第三方库无法打开：请重命名，或设置 LC_ALL=C.UTF-8"
    ),
    "{file} cannot be read as saved outputs": "无法将 {file} 作为保存的输出读取",
    "the sampling rate of {path} is {rate}, not a whole number up to {highest} Hz": (
        "{path} 的采样率是 {rate}，而不是不超过 {highest} Hz 的整数"
    ),
    "it stands in preprocessor_config.json; fetch the model again": (
        "采样率写在 preprocessor_config.json 中；请重新下载该模型"
    ),
    "the output {name} is no plain tensor: {layout}, {dtype}, on {device}": (
        "输出 {name} 不是普通张量：{layout}，{dtype}，位于 {device}"
    ),
    "the model's forward has to return tensors whose elements can be read, as to_dense() gives them": (
        "模型的前向必须返回元素可读的张量，例如 to_dense() 的结果"
    ),
    "the text given with --input is not UTF-8": "--input 给出的文本不是 UTF-8",
    "name a UTF-8 file that holds it, or set LC_ALL=C.UTF-8": "请给出含有该文本的 UTF-8 文件，或设置 LC_ALL=C.UTF-8",
    "the chat template of {file} cannot write a prompt": "{file} 的对话模板无法写出提示",
    "fetch the model again, or leave --generate out": "重新下载该模型，或去掉 --generate",
}
