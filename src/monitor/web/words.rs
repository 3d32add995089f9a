//! Words that only the page has: its forms, what is refused to it, and what the engine denies.

use crate::control::verb::Verb;
use crate::monitor::words::{labels, words};
use xmc_hotpath::message::Denial;

labels! {
    /// A label of the page's forms.
    Said {
        Actions "actions" "操作",
        Receipts "receipts" "回执",
        Shut "close" "关闭",
        Prepare "1. prepare" "1. 拟定",
        SignIt "2. sign, where your key is" "2. 在存有私钥处签名",
        HandOver "3. hand over what was signed" "3. 提交已签名指令",
        DoPrepare "prepare" "拟定",
        DoHandOver "hand over" "提交",
        Command "command" "指令",
        About "about" "对象",
        Giver "given by" "发令人",
        Why "reason, for the record" "原因 (留痕)",
        WhichAlert "alert" "告警",
        WhichLimit "limit" "限额",
        NewFigure "new figure" "新值",
        TextToSign "text to sign" "待签文本",
        Copy "copy" "复制",
        Copied "copied" "已复制",
        Download "download" "下载",
        OnePerson "one signature is enough" "一人签名即可",
        TwoPeople "two people sign it: it lets more happen" "须两人签名: 此指令放宽限制",
        SignedText "signed command" "已签名指令",
        SignedFile "or its file" "或选择文件",
        NoRight
            "The page has no key and no right: what it writes does nothing until an operator has \
             signed it."
            "本页没有私钥, 也没有权限: 所拟文本须经操作员签名方能生效。",
        LookOnly
            "This screen only looks: nothing leads back to the engine. Start the engine with \
             --web-control to hand over signed commands here."
            "本屏只读: 没有通向引擎的途径。启动引擎时加 --web-control, 方可在此提交已签名指令。",
        Done "DONE, recorded as input" "已执行, 留痕输入号",
        TakenOnly "TAKEN, not yet in the record" "已受理, 留痕尚未确认",
        NotDone "REFUSED" "被拒绝",
        NotKnown
            "NOT KNOWN whether it was done: look it up in the record before it is given again"
            "是否执行未知: 再次提交前请先查留痕",
        WholeFigure "write a whole number, without a point or a sign" "请填整数, 不带小数点和符号",
        SignedOnly "signed commands only" "仅受理已签名指令",
        OrderId "order id" "订单号",
        ClientOrderId "client order id" "客户订单号",
        Contract "instrument" "合约",
        FromTime "from (UTC)" "起 (UTC)",
        ToTime "to (UTC)" "止 (UTC)",
        Kind "kind" "类别",
        AnyKind "any" "不限",
        Search "search" "查询",
        Searching "reading the record" "正在读取留痕",
        Time "time (UTC)" "时间 (UTC)",
        SideLots "side, lots, price" "方向 手数 价格",
        What "what" "内容",
        Story "story" "全程",
        StoryOf "story of" "订单全程",
        Back "back to the list" "返回列表",
        FoundAll "found, the newest first" "条, 最新在前",
        ShownOf "shown of" "条显示, 共",
        ReadFrom "read from" "读取起点",
        StoppedEarly "STOPPED EARLY: read up to" "提前停止: 只读到",
        Narrow
            "what is newer was not looked at: ask by order id, or use xmc audit query"
            "其后记录未查: 请按订单号查询, 或用 xmc audit query",
        DamagedThere "the record is damaged there" "留痕在此处损坏",
        RecordRows "records looked at" "条记录已查",
        HowToAsk
            "Leave empty what does not matter; times as 2026-11-23 or 2026-11-23T09:30:00Z. \
             Without a time or an order id, this run of the engine is searched."
            "不限的项留空; 时间写作 2026-11-23 或 2026-11-23T09:30:00Z。未填时间或订单号时, 只查本次运行。",
        KeysMore "a actions, r receipts" "a操作, r回执",
    }
}

labels! {
    /// Why the page is not given what it asks for.
    Refusal {
        Host
            "ask for this machine by number or as localhost: the Host is a name"
            "请以数字地址或 localhost 访问, 不接受主机名",
        Token
            "take the address that was printed when the engine began: it has the token"
            "请使用引擎启动时打印的地址, 其中带有令牌",
        NotFound "there is no such page: begin at /" "没有此页, 请从 / 开始",
        Method
            "this cannot be asked in that way: GET, and POST of a signed command only"
            "不支持此方法: 仅限 GET, 及 POST 已签名指令",
        NothingYet "the engine has shown nothing yet" "引擎尚未给出数据",
        Full
            "64 look already, and that is all there is room for: try later"
            "已有 64 人在看, 席位已满, 请稍后再试",
        ReadOnly
            "this screen is read only: start the engine with --web-control to hand over signed \
             commands"
            "本屏只读: 启动引擎时加 --web-control 方可提交已签名指令",
        Session
            "open the page first: a command is handed over from its session alone"
            "请先打开页面: 指令只能在页面会话中提交",
        Csrf "the page's own mark is missing or wrong: load the page again" "缺少页面标记或标记不符: 请重新载入页面",
        Origin "another page has sent this" "此请求来自别的页面",
        TooLarge "a signed command is at most 4096 bytes" "已签名指令至多 4096 字节",
        TooSlow "it came too slowly: hand it over again" "传送过慢, 请重新提交",
        NotText "a signed command is UTF-8 text" "已签名指令须为 UTF-8 文本",
        NotSigned
            "nobody has signed it yet: xmc control sign FILE --key KEY"
            "尚无人签名: xmc control sign FILE --key KEY",
        Busy "others are being answered: try again" "正在处理其他请求, 请重试",
        NoChannel
            "the engine has no [control], or is ending: nobody can command it"
            "引擎没有 [control] 配置, 或正在结束: 无法下达指令",
        NoAnswer
            "the engine has not answered: the record says whether it was done"
            "引擎没有答复: 是否执行以留痕为准",
        WrongQuestion "what was asked cannot be: see the words beside" "请求有误, 详见旁注",
        NoRecord "there is no record to search here" "此处没有可查的留痕",
        Unreadable "the record cannot be read" "留痕无法读取",
        TooLong
            "it takes longer than a page may: use xmc audit show"
            "耗时超过页面所限: 请用 xmc audit show",
    }
}

impl Refusal {
    /// Its code, as programs know it.
    pub fn code(self) -> String {
        let mut code = String::new();
        for sign in self.name().chars() {
            if sign.is_ascii_uppercase() && !code.is_empty() {
                code.push('_');
            }
            code.push(sign.to_ascii_lowercase());
        }
        code
    }
}

words! {
    Verb {
        Kill "kill: stop, cancel what lives" "一键停止: 撤销全部在途",
        NoNew "no new: close only" "只平不开",
        Disable "disable: fire nothing more" "停用: 不再触发",
        Remove "remove the pair" "移除套利对",
        Arm "arm: allow to open" "允许开仓",
        Enable "enable: allow to fire" "启用: 允许触发",
        ClearHalt "clear halt" "解除停止",
        ClearDoubt "clear doubt" "解除存疑",
        Explain "explain a difference" "解释差异",
        Acknowledge "acknowledge an alert" "确认告警",
        Limit "change a limit" "修改限额",
        Lift "lift the guard" "解除门禁",
        LiftUnconfirmed "lift, unconfirmed" "解除门禁 (未确认)",
    }
    Denial {
        Taken "taken" "已受理",
        Form "not written as commands are" "格式不是指令",
        Signature "a signature is missing, wrong or twice" "签名缺失, 错误或重复",
        Operator "signed by nobody who may" "签名者不是操作员",
        Right "not this person's right" "此人无此权限",
        SecondPerson "a second person has to sign" "须第二人签名",
        Audience "for another engine or run" "不是给本引擎本次运行的",
        Counter "its number was used before" "编号已用过",
        Time "too old, or from the future" "已过期或时间在将来",
        Scope "there is no such thing" "没有此对象",
        Value "not a figure of that limit" "限额数值不符",
        Step "too large a step" "改动幅度过大",
        State "not in this state" "当前状态不允许",
        Busy "too much at once" "请求过多",
        Peer "another user of the host" "主机上的其他用户",
        Disk "not kept on the disk" "无法写盘",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::words::Worded;

    /// A page wraps its lines, so widths do not matter here; that both are there does.
    #[test]
    fn both_languages_have_every_word() {
        let said = Said::ALL.iter().map(|one| one.both());
        let refused = Refusal::ALL.iter().map(|one| one.both());
        let verbs = Verb::WORDS.iter().map(|(_, verb)| verb.both());
        let denied = Denial::ALL.iter().map(|one| one.both());
        for [en, zh] in said.chain(refused).chain(verbs).chain(denied) {
            assert!(en.is_ascii() && !en.is_empty(), "{en}");
            assert!(!zh.is_ascii(), "{zh}");
            assert_ne!(en, zh);
        }
    }
}
