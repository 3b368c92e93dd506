"""Hubs and downloads: listings, servers, proxies, what came and what did not."""

from __future__ import annotations

CHINESE: dict[str, str] = {
    "check the network, the proxy and the endpoint; --offline uses what is on this disk": (
        "检查网络、代理和下载站点；--offline 只使用本机磁盘上的内容"
    ),
    "{hub}'s {model} has no config.json: it is not in the Hugging Face format": (
        "{hub} 上的 {model} 没有 config.json：它不是 Hugging Face 格式"
    ),
    "choose the repository that holds it for transformers, often named …-hf": (
        "选择为 transformers 准备的仓库，名称通常以 -hf 结尾"
    ),
    "{hub}'s {model} has {cause}": "{hub} 上的 {model}：{cause}",
    "{model}: {count} files, {total}, from {asked}": "{model}：{count} 个文件，{total}，来自 {asked}",
    "{file}: {size}, as {hub} lists it": "{file}：{size}，与 {hub} 的列表一致",
    "hashing what is here": "正在计算本地已有文件的哈希",
    "fetching {model}": "正在下载 {model}",
    "{parent} leads out of {folder}": "{parent} 指向 {folder} 之外",
    "delete the link, and fetch again": "删除该链接，然后重新下载",
    "{hub}'s {model} is not whole: {cause}": "{hub} 上的 {model} 不完整：{cause}",
    "tell its owner; --source takes the other hub, --revision another version": (
        "请告知其所有者；--source 可改用另一个 Hub，--revision 可改用其他版本"
    ),
    "another process fetches {model}: waiting for it": "另一个进程正在下载 {model}：等待其完成",
    "{file} on this disk differs from the listing: fetching it again": "本机磁盘上的 {file} 与列表不一致：重新下载",
    "another process holds {lock} and has brought nothing for {longest:g} s": (
        "另一个进程持有 {lock}，且已有 {longest:g} 秒没有下载任何内容"
    ),
    "end that process, and fetch again: what has arrived is kept": "结束该进程后重新下载：已下载的内容会保留",
    "no space for the download in {folder}: {reason} ({needed} needed, {free} free)": (
        "{folder} 空间不足，无法下载：{reason}（需要 {needed}，空闲 {free}）"
    ),
    "cannot write the download in {folder}: {reason} ({needed} needed, {free} free)": (
        "无法在 {folder} 中写入下载内容：{reason}（需要 {needed}，空闲 {free}）"
    ),
    "an unknown amount": "未知",
    "free some space, or set {variable} to a folder elsewhere": "腾出空间，或将 {variable} 设为其他目录",
    "make the folder writable, or set {variable} to a folder elsewhere": "使该目录可写，或将 {variable} 设为其他目录",
    "{file} came {tries} times from {hub} other than it is listed: {reason}, listed are {size} bytes with {key}…": (
        "从 {hub} 下载 {file} {tries} 次，内容都与列表不符：{reason}，列表为 {size} 字节，哈希 {key}…"
    ),
    "its hash is {hash}…": "其哈希为 {hash}…",
    "try again later or from the other hub with --source; a proxy on the way may change what it passes on": (
        "稍后再试，或用 --source 改用另一个 Hub；途中的代理可能改动了内容"
    ),
    "{hub} lists {file} and answers {status} when it is asked for": "{hub} 列出了 {file}，请求该文件时却返回 {status}",
    "try again later, or from the other hub with --source": "稍后再试，或用 --source 改用另一个 Hub",
    "the connection was cut": "连接中断",
    "{hub} answers {status}": "{hub} 返回 {status}",
    "the server has fewer bytes of it": "服务器上该文件的字节数更少",
    "{hub} has {model} gated: this user has no access to {file} ({status})": (
        "{hub} 对 {model} 设有访问限制：当前用户无权访问 {file}（{status}）"
    ),
    "almost no data came for {seconds:g} s": "{seconds:g} 秒内几乎没有收到数据",
    "{file} cannot be had from {hub}: {cause}": "无法从 {hub} 获得 {file}：{cause}",
    "what has arrived is kept: fetch again to resume; --source takes the other hub": (
        "已下载的内容会保留：重新下载即可续传；--source 可改用另一个 Hub"
    ),
    "the server has {total} bytes of it": "服务器上该文件为 {total} 字节",
    "no data came for {seconds:g} s": "{seconds:g} 秒内没有收到数据",
    "the server names an encoding that is another": "服务器声明的编码与实际不符",
    "more bytes came than are listed": "收到的字节数多于列表",
    "the server sends another part than was asked for": "服务器发送的不是所请求的部分",
    "{order_variable} names {unknown!r}, which is no hub": "{order_variable} 中的 {unknown!r} 不是 Hub",
    "{order_variable}={names} is the default": "默认是 {order_variable}={names}",
    "{hub} at {host} answers {status}": "{hub}（{host}）返回 {status}",
    "look at {endpoint_variable}": "检查 {endpoint_variable}",
    "{host} redirects more than {most_redirections} times": "{host} 的重定向超过 {most_redirections} 次",
    "something is wrong with the server, or with the proxy before it: try again later, or another endpoint": (
        "服务器或其前面的代理有问题：稍后再试，或换一个下载站点"
    ),
    "{host} redirects to what is no address on the web": "{host} 重定向到的不是网址",
    "the proxy {shown} cannot be used: SOCKS needs a package that is not installed": (
        "代理 {shown} 无法使用：SOCKS 需要的软件包没有安装"
    ),
    "the proxy {shown} cannot be used": "代理 {shown} 无法使用",
    "in the environment": "（环境变量中）",
    "pip install pysocks, or name an HTTP proxy: HTTPS_PROXY=http://HOST:PORT": (
        "pip install pysocks，或指定 HTTP 代理：HTTPS_PROXY=http://HOST:PORT"
    ),
    "write it as http://HOST:PORT or socks5h://HOST:PORT: look at HTTPS_PROXY, HTTP_PROXY and ALL_PROXY": (
        "写成 http://HOST:PORT 或 socks5h://HOST:PORT：检查 HTTPS_PROXY、HTTP_PROXY 和 ALL_PROXY"
    ),
    "{variable} is not the address of a server: {address!r}": "{variable} 不是服务器地址：{address!r}",
    "write it as https://HOST or https://HOST:PORT, or unset {variable}: the default is {default}": (
        "写成 https://HOST 或 https://HOST:PORT，或取消 {variable}：默认是 {default}"
    ),
    "{host} does not answer": "{host} 没有响应",
    "{host} cannot be reached ({type})": "无法连接 {host}（{type}）",
    "{host} cannot be asked ({type}: {error})": "无法向 {host} 发送请求（{type}：{error}）",
    "look at the endpoint, the token and the proxy: the variables HTTPS_PROXY, ALL_PROXY and NO_PROXY": (
        "检查下载站点、令牌和代理：变量 HTTPS_PROXY、ALL_PROXY 和 NO_PROXY"
    ),
    "{host} names an encoding of its answer that is another": "{host} 声明的内容编码与实际不符",
    "a proxy on the way may change what it passes on: try without it, or another endpoint": (
        "途中的代理可能改动了内容：不用代理再试，或换一个下载站点"
    ),
    "the connection to {host} was cut": "与 {host} 的连接中断",
    "{host} answers with more than {mib} MiB": "{host} 返回的内容超过 {mib} MiB",
    "no listing is so long: look at the endpoint and the proxy": "文件列表不会这么长：检查下载站点和代理",
    "{hub} lists a file under a name that leaves the cache: {name!r}": "{hub} 列出的文件名会越出缓存目录：{name!r}",
    "do not use this copy: report it to the hub, or take another with --source": (
        "不要使用这一份：向该 Hub 报告，或用 --source 改用另一个"
    ),
    "{hub} lists {name} with a size that no file has: {size!r:.80}": (
        "{hub} 列出的 {name} 的大小不可能存在：{size!r:.80}"
    ),
    "{hub} lists {name} without a hash: it cannot be verified": "{hub} 列出的 {name} 没有哈希：无法校验",
    "{hub} lists {name} with a hash that is none: {value!r:.80}": "{hub} 列出的 {name} 的哈希无效：{value!r:.80}",
    "{hub} at {host} answers with no listing": "{hub}（{host}）返回的不是文件列表",
    "something else may be there: look at {endpoint_variable} and the proxy": (
        "该地址可能是别的服务：检查 {endpoint_variable} 和代理"
    ),
    "{hub} has no revision {branch} of {model}": "{hub} 上的 {model} 没有版本 {branch}",
    "{official}/{model}/tree/main shows the branches; choose one with --revision": (
        "{official}/{model}/tree/main 列出了分支；用 --revision 选择"
    ),
    "{hub} has {model} gated": "{hub} 对 {model} 设有访问限制",
    "{hub} has no {model}, or keeps it private": "{hub} 上没有 {model}，或该模型未公开",
    "check the spelling; a private one needs your token: {token_variable}, or hf auth login": (
        "检查拼写；未公开的模型需要你的令牌：{token_variable}，或 hf auth login"
    ),
    "{host} answers {status} when it is asked for {name}": "向 {host} 请求 {name} 时返回 {status}",
    "{hub} gives {model} a commit that is none: {commit!r:.80}": "{hub} 给出的 {model} 的提交号无效：{commit!r:.80}",
    "try later": "稍后再试",
    "{official}/models/{model}/files shows the branches; choose one with --revision": (
        "{official}/models/{model}/files 列出了分支；用 --revision 选择"
    ),
    "check the spelling; a private one needs your token: {token_variable}, or modelscope login": (
        "检查拼写；未公开的模型需要你的令牌：{token_variable}，或 modelscope login"
    ),
    "{host} did not send its listing within {seconds:g} s": "{host} 未在 {seconds:g} 秒内发完文件列表",
    "{host} lists without end": "{host} 返回的列表没有尽头",
    "something is wrong with the server: try again later, or another endpoint": (
        "服务器有问题：稍后再试，或换一个下载站点"
    ),
    "{cause} and asks to wait for {asked:.0f} s: try again then": "{cause}，并要求等待 {asked:.0f} 秒：请届时再试",
    "{cause}: asking again in {pause:.0f} s": "{cause}：{pause:.0f} 秒后重试",
    "ask for access at {address}, then give your token: {token_variable}, or hf auth login": (
        "请在 {address} 申请访问权限，然后给出你的令牌：{token_variable}，或 hf auth login"
    ),
    "ask for access at {address}, then give your token: {token_variable}, or modelscope login": (
        "请在 {address} 申请访问权限，然后给出你的令牌：{token_variable}，或 modelscope login"
    ),
}
