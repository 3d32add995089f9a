//! The table itself.

use super::{Ends, Limit, Severity, Words};

rules! {
    BrokenSpread = "001" Page Quiet
        "legs out of ratio" "腿比例不齐"
        "a fire ended with {value} lots out of ratio; the spread is halted"
        "一次触发结束后有 {value} 手比例不齐, 套利对已停止"
        "look at the position of each leg at its venue, level it, then `xmc clear-halt`"
        "核对各腿在交易所的持仓并对平, 然后 xmc clear-halt";
    OrderUnknown = "002" Critical Quiet
        "order not answered" "报单无应答"
        "an order was not answered in time"
        "有报单未按时得到应答"
        "ask the venue for the order; it counts as live until it is known"
        "向交易所查询该报单, 查明之前按可能成交计算";
    ImpossibleFill = "003" Page Quiet
        "impossible fill" "异常成交"
        "a venue filled more than asked, at a worse price, or on the wrong side (figure {value})"
        "交易所回报的成交超量、超价或方向相反 (数值 {value})"
        "stop the spread, compare with the venue's statement, call the venue"
        "停止该套利对, 与交易所成交核对并联系交易所";
    UnknownOrder = "004" Critical Quiet
        "order not ours" "非本系统报单"
        "a message names an order that this desk does not know (figure {value})"
        "回报涉及本席位不认识的报单 (数值 {value})"
        "find out who trades on this session; positions may differ from the venue's"
        "查明谁在使用该连接报单, 持仓可能与交易所不符";
    FeedGap = "005" Warning Cleared
        "feed gap" "行情缺口"
        "packets were lost on both lines of a feed: {value}"
        "行情两路均丢包: {value}"
        "look at the network and `xmc feeds`; its books come back by recovery"
        "检查网络与 xmc feeds, 盘口由恢复流程重建";
    SessionDown = "006" Critical Cleared
        "order session down" "交易连接断开"
        "an order session went down; its orders may live on"
        "交易连接断开, 其报单可能仍然有效"
        "see that it logs on again; if not, cancel at the venue by telephone or terminal"
        "确认重新登录; 若未恢复, 通过电话或终端在交易所撤单";
    Killed = "007" Page Quiet
        "kill switch used" "一键停止"
        "the kill switch was used"
        "已执行一键停止"
        "find out why; `xmc arm` and `xmc enable`, signed by two, allow trading again"
        "查明原因; 由两人签署 xmc arm 与 xmc enable 后方可恢复";
    FillBusted = "008" Page Quiet
        "fill taken back" "成交被撤销"
        "a venue took a fill back; the spread is out of ratio by it"
        "交易所撤销了一笔成交, 套利对因此比例不齐"
        "level the legs at once and write the receipt's number into the complaint"
        "立即对平各腿, 并凭回报编号与交易所交涉";
    OrderRejected = "009" Warning Quiet
        "order rejected" "拒单"
        "a venue refused an order (reason {value})"
        "交易所拒单 (原因 {value})"
        "look up the reason with `xmc audit show`; many of them trip the breaker"
        "用 xmc audit show 查看原因; 频繁拒单会触发熔断";
    BadInput = "010" Critical Quiet
        "bad input" "输入有误"
        "the desk was told something that it cannot use (figure {value})"
        "席位收到无法使用的输入 (数值 {value})"
        "compare the configuration with what was sent; the record shows it"
        "对照配置与所发内容, 留痕中可见";
    OutputOverflow = "011" Page Quiet
        "output overflow" "输出溢出"
        "outputs of one input did not fit: the desk halts"
        "单个输入产生的输出放不下, 席位停止"
        "this is a fault of the program: keep the record, trade by hand"
        "这是程序缺陷: 保留留痕, 改用人工交易";
    FireThrottle = "012" Critical Quiet
        "fires too often" "触发过频"
        "a spread fired too often ({value}) and is halted"
        "套利对触发过于频繁 ({value}), 已停止"
        "look at its levels and its quotes before `xmc clear-halt`"
        "核对触发价与行情后再 xmc clear-halt";
    UnknownPosition = "013" Page Quiet
        "position not known" "持仓不明"
        "lots were closed or taken back that the desk did not know to be held ({value})"
        "平仓或撤销的手数超出席位已知持仓 ({value})"
        "compare positions with the venue before anything is opened"
        "开仓之前先与交易所核对持仓";
    RecordGap = "014" Critical Quiet
        "record cut short" "留痕有缺口"
        "the record of the run before does not reach to its end"
        "上次运行的留痕没有写到结尾"
        "compare positions and orders with the venues; more may have happened"
        "与各交易所核对持仓和报单, 可能有未记录的成交";
    CarriedHalt = "015" Critical Quiet
        "halted before" "上次已停"
        "the run before left a spread halted, or with orders under way"
        "上次运行留下已停止的套利对或在途报单"
        "settle them with the venue, then `xmc clear-halt`"
        "先与交易所了结, 再 xmc clear-halt";
    CopiesDiffer = "016" Page Cleared
        "copies of a packet differ" "双路行情不符"
        "lines A and B differ in packet {value}: the channel is out of use"
        "A 路与 B 路第 {value} 包内容不同, 该通道停用"
        "ask the venue which one is right; look at the orders that are named beside"
        "向交易所确认哪一路正确, 并检查随后列出的报单";
    OrderDoubted = "017" Page Quiet
        "order off a doubtful quote" "报单依据存疑"
        "an order was priced off packet {value}, whose copies differ"
        "有报单依据的行情第 {value} 包双路不符"
        "look at what it filled and whether that is wanted"
        "检查其成交是否符合意图";
    BookDiffers = "018" Critical Quiet
        "book not the venue's" "盘口与快照不符"
        "the venue's snapshot shows another book of instrument {value}"
        "交易所快照与合约 {value} 的盘口不一致"
        "look at `xmc feeds`; believe it again by `xmc clear-doubt`"
        "查看 xmc feeds, 确认后 xmc clear-doubt";
    ClockStep = "019" Critical Quiet
        "clock was set" "时钟跳变"
        "a clock was set by {value} ns"
        "时钟被调整 {value} 纳秒"
        "look at the time daemon; stamps before it may be wrong"
        "检查时间同步服务, 此前的时间戳可能有误";
    ClockDrift = "020" Warning Quiet
        "clocks drift" "时钟漂移"
        "the engine's clock and UTC part by {value} ns a second"
        "引擎时钟与 UTC 每秒相差 {value} 纳秒"
        "look at the time daemon and the clock source of the host"
        "检查时间同步服务与主机时钟源";
    FeedFrozen = "021" Critical Cleared
        "feed frozen" "行情冻结"
        "a channel, or instrument {value} of it, has stopped moving"
        "行情通道或其中合约 {value} 不再变动"
        "compare with another screen; nothing is opened with it meanwhile"
        "与其他行情源对照, 期间不用它开仓";
    FeedSingle = "022" Warning Cleared
        "one line of a feed" "单路行情"
        "a channel has one line only, and less is opened"
        "行情只剩一路, 减量开仓"
        "look at the other line's network"
        "检查另一路的网络";
    RepairFailed = "023" Page Quiet
        "repair ended unrepaired" "补单回退未成"
        "legs stay out of ratio after {value} tries: the spread is halted one-sided"
        "{value} 次补单或回退之后各腿仍不齐, 套利对带单边敞口停止"
        "level the legs by hand at the venues now"
        "立即在交易所人工对平各腿";
    RemoveRefused = "024" Info Quiet
        "spread not removed" "未能移除"
        "a spread is not removed (reason {value})"
        "套利对未能移除 (原因 {value})"
        "`xmc control status` says what keeps it"
        "xmc control status 会说明原因";
    SlippageBreaker = "025" Warning Quiet
        "slippage" "滑点熔断"
        "{value} of the last fills were too much worse than decided on"
        "最近成交中有 {value} 笔滑点超限"
        "look at depth and delay; the spread does what its breaker says"
        "检查盘口深度与时延, 套利对按熔断配置处理";
    LatencyBreaker = "026" Warning Quiet
        "answers too slow" "时延熔断"
        "{value} of the last first answers of a venue took too long"
        "最近首次应答中有 {value} 次超时"
        "look at the line to the venue and the venue's notices"
        "检查到交易所的线路与交易所公告";
    RejectBreaker = "027" Critical Quiet
        "too many rejects" "拒单熔断"
        "{value} of the last orders of a spread were refused"
        "套利对最近报单中有 {value} 笔被拒"
        "look up the reasons before it is enabled again"
        "查明拒单原因后再启用";
    FillBreaker = "028" Warning Quiet
        "fill ratio too low" "成交率熔断"
        "{value} of the last orders of a spread were not filled whole"
        "套利对最近报单中有 {value} 笔未全部成交"
        "look at who is faster, and at the pay-up of its legs"
        "检查竞争情况与各腿让价";
    CommandDenied = "029" Warning Quiet
        "command denied" "指令被拒"
        "something asked at the control socket was not done (reason {value})"
        "控制口的一条请求未被执行 (原因 {value})"
        "if nobody of yours asked, find out who can reach the socket"
        "若非本方人员所为, 查明谁能访问控制口";
    DeskSingleFeed = "050" Info Cleared
        "desk on one line" "席位降为单路"
        "the desk is in SINGLE_FEED"
        "席位处于 SINGLE_FEED"
        "nothing is to be done here; the feed's alert says what is missing"
        "此处无需处理, 行情告警会说明缺少哪一路";
    DeskNoNew = "051" Warning Cleared
        "desk opens nothing" "席位只平不开"
        "the desk is in NO_NEW (cause {value})"
        "席位处于 NO_NEW (原因 {value})"
        "see to the cause, then `xmc arm`"
        "处理原因后 xmc arm";
    DeskFlatten = "052" Critical Cleared
        "desk works positions out" "席位减仓"
        "the desk is in FLATTEN (cause {value})"
        "席位处于 FLATTEN (原因 {value})"
        "watch positions until they are flat"
        "关注持仓直至归零";
    DeskHalt = "053" Page Cleared
        "desk halted" "席位停止"
        "the desk is in HALT (cause {value}): it sends nothing but cancels"
        "席位处于 HALT (原因 {value}), 除撤单外不再报单"
        "look at positions at the venues; start again when the cause is known"
        "核对各交易所持仓, 查明原因后重新启动";
    SpreadHalted = "055" Critical Cleared
        "spread halted" "套利对停止"
        "a spread is halted (cause {value})"
        "套利对已停止 (原因 {value})"
        "look at its legs and orders, then `xmc clear-halt`"
        "检查各腿与报单, 再 xmc clear-halt";
    SpreadReducing = "056" Warning Cleared
        "spread opens nothing" "套利对只平不开"
        "a spread opens nothing (cause {value})"
        "套利对只平不开 (原因 {value})"
        "look at why, then `xmc enable`"
        "查明原因后 xmc enable";
    FeedStale = "060" Critical Cleared
        "feed silent" "行情中断"
        "nothing has come on a channel for longer than its limit"
        "行情通道静默超过限额"
        "look at the network and the venue's notices"
        "检查网络与交易所公告";
    SessionGapped = "061" Warning Cleared
        "order session has a gap" "交易连接有缺口"
        "messages of a venue are missing: nothing is opened through it"
        "交易所回报有缺失, 不经该连接开仓"
        "see that it asks for them; else log on anew"
        "确认已请求补发, 否则重新登录";
    KeyExpires = "062" Warning Cleared (28, 1..=365)
        "session key expires soon" "交易连接密钥将到期"
        "the key of a session is good for {value} more days (limit {limit}), said the last logon"
        "交易连接密钥 {value} 天后到期 (限额 {limit} 天), 由最近一次登录告知"
        "make the next key, put it into the credential's file, and see the next logon take it"
        "生成新密钥, 写入凭据文件, 确认下次登录生效";
    OneSided = "070" Page Cleared (2_000, 1..=3_600_000)
        "one-sided exposure" "单边敞口"
        "the legs of a spread have been out of ratio for {value} ms (limit {limit} ms)"
        "套利对各腿不齐已 {value} 毫秒 (限额 {limit} 毫秒)"
        "look at `xmc top`; level the legs by hand if no repair is under way"
        "查看 xmc top, 若无补单在途则人工对平";
    RejectRatio = "071" Critical Cleared (20, 1..=100)
        "many orders rejected" "拒单率过高"
        "{value} % of the orders of the last minute were refused (limit {limit} %)"
        "最近一分钟拒单率 {value} % (限额 {limit} %)"
        "look up the reasons; a venue may have changed a rule"
        "查明原因, 交易所规则可能有变";
    TickToOrderSlow = "072" Warning Cleared (10_000, 1..=60_000_000)
        "tick to order slow" "行情到报单变慢"
        "tick to order is {value} us at p99 (limit {limit} us)"
        "行情到报单 p99 为 {value} 微秒 (限额 {limit} 微秒)"
        "run `xmc host check`; look for other load on the hot cores"
        "运行 xmc host check, 检查热核上的其他负载";
    RecordLate = "080" Critical Cleared
        "record not safe in time" "留痕未及时落盘"
        "the record has not become safe in time: nothing is opened"
        "留痕未在限期内落盘, 停止开仓"
        "look at the disk; the journal goes on to the second directory if there is one"
        "检查磁盘; 若配置了第二目录则改写到那里";
    JournalBehind = "081" Critical Cleared (50, 1..=100)
        "journal behind" "留痕写入落后"
        "{value} % of the record ring wait for the journal (limit {limit} %)"
        "留痕环已用 {value} % (限额 {limit} %)"
        "look at the disk and at what else uses it"
        "检查磁盘及其他占用";
    JournalFailure = "082" Page Quiet
        "disk error of the journal" "留痕磁盘出错"
        "a disk of the journal has failed {value} times; nothing new is opened"
        "留痕磁盘已出错 {value} 次, 不再开仓"
        "replace the disk; the record goes on in the second directory"
        "更换磁盘, 留痕已转到第二目录";
    JournalRoom = "083" Critical Cleared
        "disk nearly full" "磁盘空间不足"
        "there is no room for another segment of the journal"
        "磁盘放不下下一个留痕段"
        "make room: move sealed segments with `xmc audit keep`"
        "腾出空间: 用 xmc audit keep 归档已封存的段";
    WitnessTrouble = "084" Warning Cleared
        "witness in trouble" "见证方异常"
        "a witness does not keep the checkpoints; the record goes on unwitnessed"
        "见证方未保存检查点, 留痕在无见证下继续"
        "look at the witness and the way to it"
        "检查见证方及其网络";
    WitnessContradicts = "085" Page Cleared
        "witness contradicts the record" "见证方否认留痕"
        "a witness has seen another journal than this"
        "见证方保存的留痕与本地不一致"
        "stop, keep all files, run `xmc audit verify`: the record was changed or taken back"
        "停机并保留所有文件, 运行 xmc audit verify: 留痕被改动或回退";
    SnapshotFailure = "086" Warning Quiet
        "snapshot not written" "快照未写入"
        "{value} snapshots of the desk could not be written: the next start takes longer"
        "有 {value} 份席位快照未能写入, 下次启动会变慢"
        "look at the room on the disk of the record"
        "检查留痕所在磁盘的空间";
    ResyncDiffers = "090" Page Cleared
        "venue and desk differ" "与交易所核对不符"
        "a statement and the desk differ by {value}; the pairs are closed"
        "对账单与席位相差 {value}, 相关套利对停止开仓"
        "`xmc resync show`; find the reason, then `xmc resync explain`"
        "xmc resync show 查看, 查明原因后 xmc resync explain";
    StatementOld = "091" Critical Cleared
        "no new statement" "对账单未更新"
        "no statement came in time: the desk is compared with nothing"
        "对账单未按时到达, 无从核对"
        "look at the program that writes it, and at the way to it"
        "检查出具对账单的程序及其线路";
    StatementRefused = "092" Critical Quiet
        "statement refused" "对账单被拒"
        "{value} statements were refused: cut, of another account, or impossible"
        "已拒收 {value} 份对账单: 不完整、账户不符或数值不可能"
        "`xmc resync show` says why"
        "xmc resync show 会说明原因";
    DropCopySilent = "093" Critical Cleared
        "drop copy silent" "成交副本静默"
        "a source of statements cannot be read, or a stream says nothing"
        "对账来源无法读取或数据流静默"
        "look at the program at the other end"
        "检查对端程序";
    DropCopyGap = "094" Warning Quiet
        "drop copy with a gap" "成交副本缺号"
        "{value} numbers of a stream are gone: fills are compared no longer"
        "数据流缺失 {value} 个编号, 不再逐笔核对成交"
        "have the other end give its day again, and start the engine anew"
        "请对端重发当日数据并重启引擎";
    ThreadSilent = "100" Page Cleared (2_000, 100..=600_000)
        "thread silent" "线程无心跳"
        "a thread has not come round for {value} ms (limit {limit} ms)"
        "线程已 {value} 毫秒没有心跳 (限额 {limit} 毫秒)"
        "look at the host's load; `xmc kill` still works while the control thread lives"
        "检查主机负载; 控制线程存活时 xmc kill 仍有效";
    CoreSilent = "101" Page Cleared (1_000, 10..=600_000)
        "hot core silent" "热核无心跳"
        "a hot core has not kept house for {value} ms (limit {limit} ms)"
        "热核已 {value} 毫秒没有心跳 (限额 {limit} 毫秒)"
        "look at what runs on that core; cancel at the venues if it does not come back"
        "检查该核上运行的进程; 若不恢复, 在交易所撤单";
    EngineStarted = "102" Info Once
        "engine started" "引擎启动"
        "run {value} has begun"
        "第 {value} 次运行开始"
        "nothing is to be done"
        "无需处理";
    EngineEnded = "103" Info Once
        "engine ended" "引擎结束"
        "run {value} has ended in order"
        "第 {value} 次运行正常结束"
        "nothing is to be done if that was wanted"
        "若属预期则无需处理";
    EngineFailed = "104" Page Quiet
        "engine failed" "引擎故障"
        "run {value} ends because a thread of it has failed"
        "第 {value} 次运行因线程故障而结束"
        "look at positions and live orders at the venues, then at what the engine printed"
        "先核对各交易所持仓与挂单, 再看引擎的输出";
    EngineDied = "105" Critical Quiet
        "engine had died" "引擎曾中断"
        "run {value} ended without saying so: it was killed, or the host went down"
        "第 {value} 次运行未正常结束: 进程被杀或主机断电"
        "compare positions and orders with the venues"
        "与各交易所核对持仓和报单";
    GuardSilent = "106" Critical Cleared (5_000, 1_000..=600_000)
        "guard not watching" "看护进程未在监视"
        "the guard of this desk has not looked for {value} ms (limit {limit} ms)"
        "本席位的看护进程已 {value} 毫秒没有查看 (限额 {limit} 毫秒)"
        "start `xmc guard` again; until then nobody cancels for an engine that hangs"
        "重新启动 xmc guard; 在此之前引擎卡死时无人撤单";
    GuardActed = "107" Page Once
        "guard has acted" "看护进程已处置"
        "the guard has fenced the desk of run {value}, ended its engine and cancelled its orders"
        "看护进程已封锁第 {value} 次运行的席位, 结束引擎并撤销其报单"
        "compare positions and orders with the venues, then `xmc guard lift`, signed by two"
        "与各交易所核对持仓和报单, 然后由两人签署 xmc guard lift";
    GuardFailed = "108" Page Once
        "guard could not cancel" "看护进程未能撤单"
        "the guard has ended run {value}, and not every venue has confirmed that nothing lives"
        "看护进程已结束第 {value} 次运行, 但并非所有交易所都确认无挂单"
        "cancel at the venue by telephone or terminal now; `xmc guard status` says where"
        "立即通过电话或终端在交易所撤单; xmc guard status 会说明在哪里";
    GuardSaw = "109" Page Once
        "guard sees a failure" "看护进程发现故障"
        "run {value} is wedged or gone, and the guard is told to do nothing about it"
        "第 {value} 次运行卡死或已消失, 看护进程被配置为只告警"
        "see to the engine and to its orders at the venues now"
        "立即处理引擎及其在各交易所的报单";
    PacketsDropped = "110" Warning Quiet
        "packets dropped here" "本机丢包"
        "this host has dropped {value} packets of a feed"
        "本机已丢弃行情 {value} 包"
        "run `xmc host check`: receive buffers, queues, cores"
        "运行 xmc host check: 接收缓冲、队列、绑核";
    SinkFailing = "120" Critical Cleared (60, 1..=86_400)
        "alerts do not arrive" "告警送达失败"
        "a sink of alerts has not taken anything for {value} s (limit {limit} s)"
        "告警通道已 {value} 秒未能送达 (限额 {limit} 秒)"
        "`xmc alert list` says why; what it missed waits in the outbox"
        "xmc alert list 会说明原因, 未送达的内容在发件箱中等待";
    OutboxFull = "121" Critical Quiet
        "alerts dropped" "告警被丢弃"
        "the outbox of a sink is full: {value} notices were dropped, the least severe first"
        "告警发件箱已满, 已按严重度从低到高丢弃 {value} 条"
        "mend the sink; the local log has what was dropped"
        "修复该通道; 本地日志中有被丢弃的内容";
    RecordUnread = "122" Critical Cleared
        "alerts cannot follow the record" "告警无法读取留痕"
        "the record cannot be followed: alerts of the desk are not seen"
        "无法跟读留痕, 席位告警不可见"
        "run `xmc audit verify`; watch the desk by hand meanwhile"
        "运行 xmc audit verify, 期间人工盯盘";
    OutboxFault = "123" Critical Cleared
        "outbox of alerts not written" "告警发件箱无法写入"
        "the outbox of alerts cannot be written: what waits is lost if the engine dies"
        "告警发件箱无法写入, 引擎中断会丢失待发告警"
        "look at the disk of the record; it is written anew as soon as there is room"
        "检查留痕所在磁盘, 恢复后自动重写";
    Fired = "130" Off Once
        "fire" "触发"
        "a spread fired {value} units"
        "套利对触发 {value} 份"
        "nothing is to be done"
        "无需处理";
    CapitalWarn = "160" Warning Cleared
        "account near its limit" "资金占用预警"
        "{value} % of what carries margin is used (warning from {limit} %): money is called for"
        "资金占用 {value}% (预警线 {limit}%), 需补充资金"
        "approve the transfer in `capital.log`; `xmc capital plan` shows other ways"
        "审批 capital.log 中的划转, 其他途径见 xmc capital plan";
    CapitalReduce = "161" Critical Cleared
        "account reduces only" "资金账户只减仓"
        "{value} % is used (limit {limit} %): pairs with a leg in the account close only"
        "资金占用 {value}% (限额 {limit}%), 涉及该账户的套利对只平不开"
        "bring money in; pairs open again by themselves when the book has it"
        "补充资金, 到账后相关套利对自动恢复开仓";
    CapitalPairOff = "162" Critical Cleared
        "account pairs off" "资金账户双边减仓"
        "{value} % is used (limit {limit} %): its pairs are closed at what the books give"
        "资金占用 {value}% (限额 {limit}%), 相关套利对按盘口价双边平仓"
        "bring money in, and look at what closing costs"
        "补充资金, 并关注平仓成本";
    CapitalStop = "163" Page Cleared
        "account stopped" "资金账户停止"
        "{value} % is used (limit {limit} %): its pairs are halted"
        "资金占用 {value}% (限额 {limit}%), 相关套利对已停止"
        "call the broker; positions are closed by hand or after `xmc clear-halt`"
        "联系期货公司; 持仓需人工处理, 或 xmc clear-halt 之后处理";
    CapitalTransfer = "164" Warning Once
        "transfer to be approved" "资金划转待审批"
        "money should go as the labels say; {value} % is used where it goes"
        "请按标签所列划转资金, 收款账户占用 {value}%"
        "approve it at the bank or broker, then give the engine the new book"
        "在银行或期货公司办理, 然后更新资金账册";
    CapitalDoubt = "165" Critical Cleared
        "capital not known" "资金数据不可靠"
        "the figures of capital cannot be relied on: pairs close only"
        "资金数据不可靠, 套利对只平不开"
        "ask the brokers for a new book; the label says why"
        "向期货公司索取新账册, 原因见标签";
    CapitalBook = "166" Warning Cleared
        "book of capital refused" "资金账册被拒"
        "a new book of capital was not taken; the one before stays in use"
        "新的资金账册未被采用, 仍用上一份"
        "run `xmc capital show TERMS BOOK`, and give a right one"
        "运行 xmc capital show TERMS BOOK 查看原因并更正";
    CapitalUnmet = "167" Critical Once
        "no way to bring money" "无可用资金路径"
        "an account needs money that no route can bring; the labels say how much"
        "账户所需资金无路径可达, 金额见标签"
        "bring it by hand, or close positions: `xmc capital plan` shows which"
        "人工调拨或减仓, 见 xmc capital plan";
    GuardStarved = "170" Page Once
        "engine starved" "引擎得不到处理器"
        "the host has not run a thread of run {value} for longer than its heartbeat may be old"
        "主机未及时调度第 {value} 次运行的线程, 心跳已超限"
        "see what else runs on its cores (`xmc host check`); the guard ends it if this lasts"
        "检查其核上的其他进程 (xmc host check); 若持续, 看护进程会结束引擎";
    GuardPassed = "171" Page Once
        "dead run of another record" "另一留痕的运行已中断"
        "run {value} of this record died, and the desk trades with another record since"
        "本留痕的第 {value} 次运行已中断, 该席位此后以另一留痕交易"
        "see at the venues whether orders of that run live: the guard leaves the desk alone"
        "在各交易所核对该次运行是否仍有挂单: 看护进程不处置该席位";
    GuardNotKilled = "172" Page Once
        "engine not killed" "引擎未能结束"
        "the guard could not kill the engine of run {value}: it may send orders again"
        "看护进程未能结束第 {value} 次运行的引擎: 它可能再次报单"
        "kill it by hand now, as its user; the guard tries again by itself"
        "立即以其用户身份手动结束该进程; 看护进程会自行重试";
    ComplianceNear = "173" Warning Cleared
        "near a threshold of an exchange" "接近监管阈值"
        "{value} % of a threshold that is counted against the desk is reached"
        "已达到监管计数阈值的 {value}%"
        "`xmc compliance show` says which, and when it is met at the present rate"
        "xmc compliance show 会说明是哪一项及按当前速率何时触及";
    ComplianceMet = "174" Critical Cleared
        "threshold of an exchange met" "触及监管阈值"
        "a threshold that is counted against the desk is met: {value} % of it"
        "已触及监管计数阈值: {value}%"
        "stop what sends so much (`xmc no-new`), and report where that is asked for"
        "停止相关报单 (xmc no-new), 并按要求报告";
    ComplianceForecast = "175" Warning Cleared
        "threshold will be met today" "预计当日触及监管阈值"
        "at the present rate a threshold is met before the close; {value} % are reached"
        "按当前速率将在收盘前触及监管阈值; 目前 {value}%"
        "`xmc compliance show` says when; slow what sends so much"
        "xmc compliance show 会说明时间; 放慢相关报单";
    ComplianceUnread = "176" Critical Cleared
        "nothing is counted for compliance" "合规计数中断"
        "the record cannot be followed: nothing is counted for exchanges in this run any more"
        "无法跟读留痕, 本次运行不再进行监管计数"
        "run `xmc audit verify`; count by hand meanwhile"
        "运行 xmc audit verify, 期间人工计数";
    RuleMet = "180" Warning Quiet
        "user rule met" "用户规则触发"
        "a rule of the user is met (place {value} among those of its spread, from 0)"
        "一条用户规则已满足 (该套利对的第 {value} 条, 自 0 起)"
        "`xmc audit show` says which figures met it, `xmc explain` what the rule is"
        "xmc audit show 会说明触发的数值, xmc explain 会说明规则";
    InterfaceDown = "181" Critical Cleared
        "interface down" "网卡中断"
        "an interface that the labels name is not up: nothing comes or goes by it"
        "标签所列网卡不可用, 经其收发的行情与报单均已中断"
        "look at `ip link show`, cable and switch; it is taken up by itself when it is back"
        "检查 ip link show、网线与交换机; 恢复后自动重新接入";
    FeedBySockets = "182" Warning Cleared
        "feed by ordinary sockets" "行情改走普通套接字"
        "AF_XDP could not be opened on an interface that was made again; sockets bring the feed"
        "网卡重建后 AF_XDP 未能打开, 该行情改由普通套接字接收"
        "the label says why; it is tried again each second"
        "原因见标签; 每秒自动重试";
    Test = "900" Page Once
        "TEST of alerts" "告警测试"
        "this is a test; nothing has happened"
        "这是一条测试消息, 没有发生任何事件"
        "nothing is to be done"
        "无需处理";
    Heartbeat = "901" Info Once
        "alerts alive" "告警心跳"
        "the engine and its alerts live; its absence is the alert"
        "引擎与告警正常, 收不到本消息即为异常"
        "if this stops, the engine or its host is down: cancel at the venues"
        "若停止收到, 则引擎或主机已中断: 在交易所撤单";
}
