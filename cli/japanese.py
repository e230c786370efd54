"""The Japanese catalogue. `TEXTS` translates messages; `PROBLEMS` gives each problem's sentence and next step."""

TEXTS = {
    # verdicts
    "GENUINE": "本物です",
    "ALTERED": "変更されています",
    "REVOKED": "取り消されました",
    "SUSPENDED": "一時停止中です",
    "SUPERSEDED": "差し替えられました",
    "EXPIRED": "有効期限が過ぎています",
    "CANNOT BE CONFIRMED": "確認できません",
    "NOT ON THE LEDGER": "台帳にありません",
    "do not accept it: ask the holder for the document and receipt as they were issued": (
        "受け取らず、交付されたままの文書と受領証を所持者に求めてください"
    ),
    "do not accept it: the issuer has withdrawn it for good": "受け取らないでください。発行者が取り消しました",
    "do not accept it for now: ask the issuer, or verify again later": (
        "今は受け取らず、発行者に問い合わせるか、後でもう一度確認してください"
    ),
    "ask the holder for the certificate that replaced it": "差し替え後の証明書を所持者に求めてください",
    "ask the holder for a new certificate": "新しい証明書を所持者に求めてください",
    "do not rely on it yet: see the checks, then verify again": "まだ信用せず、各項目を見て、もう一度確認してください",
    "do not accept it: the ledger does not know it; ask the issuer": (
        "受け取らないでください。台帳に記録がありません。発行者に問い合わせてください"
    ),
    # checks
    "the receipt is whole": "受領証が壊れていない",
    "the document is the one that was certified": "文書が証明されたものと同じ",
    "it is bound to the ledger that you trust": "信頼する台帳のもの",
    "the receipt has the ledger's record of it": "受領証に台帳の記録がある",
    "the organisations attested that record": "その記録を各組織が証言した",
    "the organisations answer for it now": "各組織が今、記録を証言した",
    "its place in the batch is proven": "バッチ内の位置が証明されている",
    "the batch does not have this certificate": "バッチにこの証明書がない",
    "the ledger's record is of this statement": "台帳の記録がこの内容のもの",
    "the ledger names this issuer": "台帳の発行者と一致",
    "it is in force now": "今も有効",
    "it has not expired": "有効期限内",
    "not checked: {check}": "未確認: {check}",
    "the receipt is damaged, or is none": "受領証が壊れているか、受領証ではない",
    "the document is not the one that was certified": "文書が証明されたものと違う",
    "the certificate is bound to another ledger": "別の台帳の証明書",
    "the receipt's attestation is of something else": "受領証の証言が別のもの",
    "the organisations did not attest the receipt's record": "受領証の記録を各組織が証言していない",
    "the organisations do not answer for it now": "各組織の証言が今は得られない",
    "the statement is not the one that was issued": "発行された内容と違う",
    "the ledger names another issuer": "台帳の発行者が違う",
    "it is not in force": "有効ではない",
    "it has expired": "有効期限が過ぎている",
    # facts
    "certificate": "証明書番号",
    "type": "種類",
    "issuer": "発行者",
    "issue date": "発行日",
    "issued at": "発行日時",
    "valid until": "有効期限",
    "checked at": "確認日時",
    "trust file": "トラストファイル",
    "status": "状態",
    "transaction": "取引",
    "commitment": "コミットメント",
    "replaces": "差し替え前",
    "replaced by": "差し替え後",
    "active": "有効",
    "suspended": "一時停止",
    "revoked": "取り消し",
    "superseded": "差し替え済み",
    "deleted": "削除",
    "the ledger has no certificates": "台帳に証明書はありません",
    # issuing
    "issued": "発行しました",
    "issued already": "発行済みです",
    "not begun": "未着手",
    "{count} receipts left out": "受領証 {count} 件を除きました",
    "\r{count} of {total}": "\r{total} 件中 {count} 件",
    "{issued} of {total} issued": "{total} 件中 {issued} 件を発行しました",
    ", {count} failed": "、失敗 {count} 件",
    ", {count} not begun: the same command again issues the rest": (
        "、未着手 {count} 件(同じコマンドをもう一度実行すると残りを発行します)"
    ),
    "trying again for a while: {reason}": "しばらくの間、もう一度試みます: {reason}",
    "stopping: what is in flight is being finished (Ctrl-C again leaves at once)": (
        "中断します。処理中のものを終えています(もう一度 Ctrl-C を押すとすぐに終わります)"
    ),
    "--reference names one certificate: give one FILE": (
        "--reference は一件の証明書の名前です。FILE は一つだけにしてください"
    ),
    "{day} is in the past": "{day} は過去の日付です",
    "a type is 1 to 100 printable characters": "種類は 1〜100 文字で指定してください",
    "a reference is not empty and does not look like a certificate id": (
        "参照名は空にできず、証明書番号の形にもできません"
    ),
    # what verifiers without a network need
    "status list written": "状態リストを書きました",
    "give either ID or --all": "ID か --all のどちらか一つを指定してください",
    "--offline needs --trust: without a network, a trust file says whose word counts": (
        "--offline には --trust が必要です。ネットワークなしでは、誰を信頼するかをトラストファイルが示します"
    ),
    "--status-list is for --offline: online, the ledger itself is asked": (
        "--status-list は --offline と一緒に使います。ネットワークがあれば台帳に直接問い合わせます"
    ),
    "--save keeps the ledger's fresh answer: offline there is none": (
        "--save は台帳の新しい答えを残します。--offline ではありません"
    ),
    "--max-age {text}: write it as 24h or 90m": "--max-age {text}: 24h や 90m のように書いてください",
    "no longer active": "有効でなくなったもの",
    "the trust file is written; verifiers compare its SHA-256 with what you tell them": (
        "トラストファイルを書きました。確認する人は、別の経路で知らせた SHA-256 と照らし合わせます"
    ),
    "the PDF carries its receipt": "PDF に受領証を埋め込みました",
    "COSE receipt written": "COSE 受領証を書きました",
    "entry": "項目",
    # the audit
    "{done} of {total} blocks": "{total} ブロック中 {done} ブロック",
    "nothing is wrong": "異常はありません",
    "the ledger is not as it should be": "台帳に異常があります",
    "ledger": "台帳",
    "{transactions} transactions, {invalid} of them invalid": "取引 {transactions} 件(うち無効 {invalid} 件)",
    "peers that were compared": "照合したピア",
    "certificates": "証明書",
    "batches": "バッチ",
    "certificates in batches": "バッチ内の証明書",
    "single certificates that are not in the register": "台帳にあり発行簿にない個別の証明書",
    "block {number}": "ブロック {number}",
    "and {count} more": "ほか {count} 件",
    # changes of many
    "give ID, or --from": "ID か --from のどちらかを指定してください",
    "give ID and FILE, or --from": "ID と FILE、または --from を指定してください",
    "line {line}: ID,FILE is expected": "{line} 行目: ID,FILE の形にしてください",
    "line {line}: the same certificate as line {first}": "{line} 行目: {first} 行目と同じ証明書です",
    "{count} of {total} changed": "{total} 件中 {count} 件を変更しました",
    "batch": "一括記録",
    # anchoring
    "{text} is not a media type such as application/pdf": (
        "{text} は application/pdf のようなメディアタイプではありません"
    ),
    "stopped: the same command goes on where it stopped": "中断しました。同じコマンドで続きから再開します",
    "the manifest is read as Shift_JIS": "一覧を Shift_JIS として読みます",
    "columns that are not used: {names}": "使わない列: {names}",
    "anchored": "記録しました",
    "anchored already": "記録済みです",
    "would be anchored; nothing was done": "記録できます(何もしていません)",
    "a run that stopped while it was read would go on": "読み込み途中で止まったものがあり、続きから再開します",
    "a run that stopped while it was sent would go on": ("記録の途中で止まったものがあり、続きから再開します"),
    "{count} of {total} batches are anchored: the same command goes on": (
        "{total} 件中 {count} 件のバッチを記録しました。同じコマンドで続きから再開します"
    ),
    "{count} certificates": "証明書 {count} 件",
    "{count} rows left out": "{count} 行を除きました",
    "line {line}: {message}": "{line} 行目: {message}",
    "reading": "読み込み中",
    "building the tree": "ハッシュ木を作成中",
    "anchoring batches": "バッチを台帳に記録中",
    "{rate} a second": "毎秒 {rate} 件",
    "{seconds} s left": "残り {seconds} 秒",
    "the register has no runs": "発行簿に一括記録はありません",
    "not read to its end": "読み込み途中",
    "not all sent": "記録途中",
    "given up": "取りやめました",
    "forget needs --run NAME, and has no --dry-run": "forget には --run 名前 が必要で、--dry-run はありません",
    "this run was given up: its other certificates are not anchored": (
        "この一括記録は取りやめたものです。ほかの証明書は記録されていません"
    ),
    "{count} batches are on the ledger: their receipts stay": "{count} 件のバッチは台帳にあり、受領証は残ります",
    "to finish such a batch instead, run the same anchor command again": (
        "このバッチの記録を終わらせるには、同じ anchor コマンドをもう一度実行してください"
    ),
    "give one of ID, --reference, --run and --all": "ID、--reference、--run、--all のどれか一つを指定してください",
    "give one of ID, --run and --all": "ID、--run、--all のどれか一つを指定してください",
    "--format files needs a folder: --out": "--format files には --out でフォルダーを指定してください",
    "{count} receipts": "受領証 {count} 件",
    # register and profiles
    "erased from the register": "発行簿から消去しました",
    "Erase certificate {id} from the register for good?": (
        "証明書 {id} を発行簿から消去します。元に戻せません。よろしいですか?"
    ),
    "Give up the run {name}? What was not sent leaves the register for good, salts and all.": (
        "一括記録 {name} を取りやめます。未送信のものはソルトも含めて発行簿から消え、元に戻せません。よろしいですか?"
    ),
    "this cannot be undone, and there is nobody to ask: say --yes if you want it": (
        "元に戻せない操作で、確認できる相手がいません。実行するには --yes を付けてください"
    ),
    "the register is backed up": "発行簿の控えを作りました",
    "the register is restored": "発行簿を控えから戻しました",
    "attested anew": "証言を取り直しました",
    "current profile": "現在のプロファイル",
    # network
    "the network serves": "ネットワークが稼働しました",
    "the network runs already": "ネットワークはすでに稼働しています",
    "the network runs": "ネットワークは稼働しています",
    "the network does not run": "ネットワークは稼働していません",
    "it takes no transactions": "取引を受け付けていません",
    "the network is stopped": "ネットワークを停止しました",
    "the network did not run": "ネットワークは稼働していませんでした",
    "its folder is removed": "フォルダーを削除しました",
    "process": "プロセス",
    "peer": "ピア",
    "mutual TLS": "相互TLS",
    "orderer": "オーダラー",
    "height": "高さ",
    "leader": "リーダー",
    "does not run": "稼働していません",
    "runs as a service": "サービスとして稼働中",
    "! it does not answer, or is not well": "! 応答がないか、正常ではありません",
    "the node is started anew": "ノードを再起動しました",
    "keys and the channel's first block are made": "鍵とチャネルの最初のブロックを作りました",
    "the nodes are started": "ノードを起動しました",
    "the node is started again": "ノードが再び起動しました",
    "the orderers are in the channel": "オーダラーがチャネルに参加しました",
    "the peers are in the channel": "ピアがチャネルに参加しました",
    "the peer has all blocks": "ピアがすべてのブロックを取得しました",
    "every organisation has approved the registry": "すべての組織が登録簿を承認しました",
    "the registry is on the channel": "登録簿がチャネルに配備されました",
    "every organisation endorses": "すべての組織が応答しています",
    "identity made": "利用者を作りました",
    "use it with": "使い方",
    "block": "ブロック",
    "not signed as needed yet": "必要な署名が足りません",
    "it was revoked already": "すでに失効しています",
    "name one of: NAME, --certificate, --crl": "NAME、--certificate、--crl のどれか一つを指定してください",
    "the nodes of {organisation} heed it in their own administration after a restart": (
        "{organisation} のノードは、自身の管理では再起動後にこれに従います"
    ),
    "give verifiers the new trust file: certledger network export-trust FILE": (
        "確認する人に新しいトラストファイルを渡してください: certledger network export-trust FILE"
    ),
    # chaincode
    "deployed": "配備しました",
    "sequence": "シーケンス",
    "version": "バージョン",
    "installed": "インストール済み",
    "installed already": "すでにインストール済みです",
    "approved": "承認済み",
    "approved already": "すでに承認済みです",
    "not approved": "未承認",
    "approved by": "承認した組織:",
    "approved another definition, which differs in {fields}": "別の定義を承認(相違点: {fields})",
    "in force": "有効",
    "in force already": "すでに有効です",
    "not in force yet": "まだ有効ではありません",
    "the package is not installed at this peer yet: certledger chaincode install": (
        "パッケージがまだこのピアにありません: certledger chaincode install"
    ),
    "runs nowhere here": "この組織では実行しません",
    "say where a service is with --address, or name a folder with --source": (
        "サービスの場所を --address で、またはフォルダーを --source で指定してください"
    ),
    "TLS and the dial timeout are for a service: they go with --address": (
        "TLS と接続待ち時間はサービス用です。--address とともに指定してください"
    ),
    "name the package with --package-id or --package, or say --without-package": (
        "パッケージを --package-id か --package で指定するか、--without-package を指定してください"
    ),
    "{orderers} orderers (BFT): {faults} may fail or lie": (
        "オーダラー {orderers} 台 (BFT): {faults} 台まで故障や不正があっても動きます"
    ),
    "{orderers} orderers (Raft): {faults} may fail": (
        "オーダラー {orderers} 台 (Raft): {faults} 台まで故障しても動きます"
    ),
    "nothing is ordered without {names}": "{names} なしでは何も順序付けされません",
    "certificates until {day}": "証明書の期限 {day}",
    "! its certificates expire on {day}": "! 証明書が {day} に切れます",
    "the keys of the orderer are made": "オーダラーの鍵を作りました",
    "the folder knows the orderers": "フォルダにオーダラーを反映しました",
    "another orderer takes part": "オーダラーを一つ加えます",
    "into maintenance mode": "保守モードに入ります",
    "from Raft to BFT": "Raft から BFT に切り替えます",
    "out of maintenance mode": "保守モードを終えます",
    "the site is made": "拠点を作りました",
    "the channel's first block is here": "チャネルの最初のブロックを受け取りました",
    "requests for its certificates": "証明書の署名要求",
    "the certificates are taken in": "証明書を取り込みました",
    "the nodes are in the channel": "ノードがチャネルに参加しました",
    "the registry is approved": "登録簿を承認しました",
    "the registry was on the channel already": "登録簿はすでにチャネルに配備されています",
    # units
    "the units are written": "ユニットを書き出しました",
    "{path} is in a home, which the user {user} may not read": (
        "{path} はホームフォルダーの中にあり、利用者 {user} には読めないことがあります"
    ),
    # Fabric's programs
    "Fabric {version} is installed": "Fabric {version} を入れました",
    "Fabric {version} is installed already": "Fabric {version} はすでに入っています",
    "{name} has the SHA-256 {digest}": "{name} の SHA-256: {digest}",
    "Is this the digest of the archive that you trust?": "信頼できるアーカイブの SHA-256 と同じですか?",
    "those in {folder} are used before these": "{folder} にあるものが優先されます",
    "\r{done} MB": "\r{done} MB",
    "\r{done} of {total} MB": "\r{total} MB 中 {done} MB",
    "give an archive with --archive, or its address with --url, not both": (
        "アーカイブは --archive か --url のどちらかで指定してください"
    ),
    # the demonstration
    "Three organisations' network comes up, with the registry running beside every peer.": (
        "三つの組織のネットワークが立ち上がり、各ピアのそばで登録簿チェーンコードが動きます。"
    ),
    "The city issues a certificate for a document (a fictional income certificate).": (
        "市が文書(架空の所得証明書)の証明書を発行します。"
    ),
    "Whoever receives the document verifies it.": "文書を受け取った人が確認します。",
    "Somebody changes one byte of the document: it is refused.": "誰かが文書を 1 バイト変えると、拒まれます。",
    "The city revokes the certificate.": "市が証明書を取り消します。",
    "The genuine document is refused from now on.": "本物の文書も、これからは拒まれます。",
    "The ledger keeps the certificate's history.": "台帳には証明書の履歴が残ります。",
    "Every organisation has the same ledger.": "どの組織も同じ台帳を持っています。",
    "The network goes down.": "ネットワークを停止します。",
    "the demonstration failed: exit status {status}": "実演に失敗しました: 終了コード {status}",
    # messages
    "error: {message}": "エラー: {message}",
    "next: {step}": "次に: {step}",
    "interrupted": "中断しました",
}

PROBLEMS = {
    "approval-lost": (
        "ピアが以前の承認を失っており、同じシーケンスではもう承認できません",
        "同じ定義を次のシーケンスとして、すべての組織が chaincode approve --sequence で承認し、commit してください",
    ),
    "bad-bundle": ("組織のバンドルが使えません", ""),
    "bad-configuration": ("設定または指定が使えません", ""),
    "bad-document": ("文書が使えません", "文書のファイルを確かめてください"),
    "bad-folder": ("ネットワークのフォルダーが使えません", "certledger network up で作るか、--dir で指定してください"),
    "bad-input": ("指定が正しくありません", ""),
    "bad-profile": ("接続プロファイルが使えません", "certledger profile list で確かめてください"),
    "bad-receipt": ("受領証が使えません", ""),
    "bad-register": ("発行簿が使えません", "ディスクの空きと権限を確かめてください"),
    "bad-audit": ("監査の途中経過のファイルが使えません", ""),
    "bad-status-list": ("状態リストが使えません", ""),
    "bad-rows": (
        "使えない行があるため、何も記録しませんでした",
        "行を直すか、--skip-invalid で残りだけを記録してください",
    ),
    "bad-source": ("一覧またはフォルダーが使えません", ""),
    "bad-trust-file": ("トラストファイルが使えません", "入手元からもう一度受け取ってください"),
    "internal": ("certledger 内部のエラーです", "報告してください。CERTLEDGER_DEBUG=1 で場所がわかります"),
    "ledger-mismatch": ("発行簿と台帳が一致しません", "トラストファイルとプロファイルを確かめてください"),
    "no-fabric": (
        "Fabric のプログラムが使えません",
        "certledger network install で入れるか、Fabric v3.1 の peer と orderer があるフォルダーを FABRIC_BIN で"
        "指定してください",
    ),
    "not-agreed": ("組織の合意が足りません", "同じ定義を承認する組織を増やし、もう一度実行してください"),
    "not-attested": ("各組織の証言が成り立ちません", ""),
    "not-confirmed": (
        "アーカイブが正しいものか確かめられていません",
        "信頼できる SHA-256 と比べ、--sha256 で指定してください",
    ),
    "not-downloaded": ("アーカイブを取得できません", "もう一度試すか、手元のファイルを --archive で指定してください"),
    "not-found": ("見つかりません", "certledger list で確かめてください"),
    "not-running": ("ネットワークが稼働していません", "certledger network up で立ち上げてください"),
    "not-started": ("ネットワークを立ち上げられません", ""),
    "not-valid": ("取引は無効とされ、何も書かれませんでした", "もう一度実行してください"),
    "outcome-unknown": ("書かれたかどうかわかりません", "もう一度実行すると確かめられ、二重には書かれません"),
    "receipt-conflict": (
        "受領証の置き場所に別のものがあるか、書けません",
        "移すか、--out で別のフォルダーを指定してください",
    ),
    "receipt-not-written": (
        "発行しましたが、受領証を書けませんでした",
        "ディスクに空きを作り、もう一度実行すると受領証が書かれます",
    ),
    "reference-taken": ("参照名は別の証明書に使われています", "別の --reference を指定してください"),
    "refused": ("台帳またはネットワークが拒みました", ""),
    "stopped": ("中断しました", "同じコマンドで続きから再開します"),
    "system": ("ファイルを扱えません", ""),
    "unreachable": (
        "ネットワークに届きません",
        "certledger network status で確かめ、certledger network up で立ち上げてください",
    ),
    "usage": ("コマンドの使い方が正しくありません", ""),
}
