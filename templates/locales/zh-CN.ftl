# 简体中文。键名按页面分组；值里的变量由模板给出。

brand = 通行
layout-skip = 跳到正文
layout-promise = 一次注册，全网通行
layout-switches = 语言和字号
layout-text-large = 大字版
    .detail = ：放大所有页面的文字
layout-text-normal = 标准字号
    .detail = ：所有页面的文字恢复原来的大小
back-home = 返回首页
back-to-portal = 返回{ $portal }

## 登录

login-title = 登录
login-problem-title = 登录未成功
login-portal = 登录后进入
login-account = 登录您的通行账号
login-username = 手机号或证件号码
login-username-hint = 与他人共用手机号的，请填写证件号码。
login-password = 密码
login-submit = 登录
login-register = 没有账号？注册
login-recover = 找回账号
login-promise = 密码只在本页填写。通行不会把密码告诉任何网站。
login-problem-wrong_credentials = 账号或密码不正确，请核对后重试。与他人共用手机号的，请改填证件号码。
login-problem-try_later = 暂时不能登录，请过几分钟再试。
login-throttled = 密码输错次数过多。
    .seconds = 请等待 { $count } 秒后再试。
    .minutes = 请等待 { $count } 分钟后再试。
    .hours = 请等待 { $count } 小时后再试。
    .where = 这一限制只针对您现在的位置。在以前登录过的设备上，可以马上登录。
    .forgot = 忘记密码的，不必等待：

## 授权与告知

consent-title = 允许{ $portal }使用您的信息吗？
consent-heading = 允许
    .after = 使用您的信息吗？
consent-lead = 您将以 { $person } 的身份进入{ $portal }。
consent-receives = { $portal }将收到
consent-purpose = 用途
consent-basis = 依据
consent-policy = 隐私政策
consent-tos = 服务条款
consent-allow = 同意并进入
consent-deny = 不同意
consent-remembered = 同意一次即可。接收方、用途或信息种类有变时，会再次征求您的同意。
notice-title = 您将进入{ $portal }
notice-heading = 您将进入
notice-lead = 您将以 { $person } 的身份进入{ $portal }，该网站将收到下列信息。
notice-allow = 继续进入
notice-deny = 不进入
notice-remembered = 本告知只显示一次，以后进入该网站时不再打断您。
basis-consent = 您的同意（《个人信息保护法》第十三条第一款第一项）
basis-statutory_duty = 履行法定职责所必需，无需您同意（《个人信息保护法》第十三条第一款第三项）
receives-subject = 您在该网站的编号
    .detail = 只用于该网站，其他网站无法据此认出您
receives-name = 姓名
    .detail = 实名登记的姓名
receives-phone = 手机号
    .detail = 号码，以及是否已经验证
receives-email = 电子邮箱
    .detail = 地址，以及是否已经验证
receives-birthdate = 出生日期
    .detail = 证件上记载的日期
receives-gender = 性别
    .detail = 证件上记载的性别
receives-document = 证件
    .detail = 证件的种类和完整号码
receives-assurance = 核验等级
    .detail = 您的身份经过怎样的核验，本次以何种方式登录
receives-offline_access = 在您离开后保持连接
    .detail = 您不在线时，该网站仍可更新以上信息
receives-claim = 其他信息：{ $claim }

## 退出

logout-title = 退出登录
logout-lead = 您（{ $person }）要退出通行吗？
logout-lead-portal = { $portal }请求您（{ $person }）退出通行。
logout-effect = 退出后，在这个浏览器里进入任何网站都要重新登录。使用公用电脑后请务必退出。
logout-confirm = 退出登录
logout-cancel = 保持登录
left-logged_out = 您已退出登录
    .detail = 在公用电脑上，请再关闭浏览器窗口。
left-unconfirmed = 以下网站尚未确认您已在那里退出：
    .detail = 如果他人也会使用这台设备，请再到这些网站退出，并关闭浏览器。
left-stayed = 您仍处于登录状态
    .detail = 没有任何改变。

## 首页

home-title-out = 一次注册，全网通行
home-title-in = 我的通行
home-what = 通行是统一身份认证服务：一个实名账号，进入各省、各部门的网站，不必重复注册和登录。
home-once = 登录一次
    .detail = 在一个网站登录后，进入其他省份和部门的网站不必再次登录。
home-little = 只给必要的信息
    .detail = 网站第一次接收您的信息之前，逐项告诉您是谁、为什么、收到什么。
home-register = 注册
home-account = 我的账号
home-open = 互相信任，各不相识
    .detail = 您在每个网站的编号都不同，网站之间不能据此拼合您的行踪。
home-integrators = 接入网站：
home-discovery = OpenID 发现文档
home-greeting = { $person }，您好
home-signed-in = 您已登录，可以直接进入各省、各部门的网站。
home-level = 身份核验等级
level-none = 未核验
    .detail = 没有仍然有效的身份核验
level-l1 = 一级（L1）
    .detail = 已确认手机号，或已核对姓名和证件号码
level-l2 = 二级（L2）
    .detail = 姓名、证件号码与运营商登记的手机号一致
level-l3 = 三级（L3）
    .detail = 已与权威照片比对人脸，或已核对姓名、证件号码、银行卡和预留手机号
level-l4 = 四级（L4）
    .detail = 已读取证件芯片、使用数字证书，或在柜台当面核验

## 出错

error-next = 接下来怎么办
error-help = 提供给技术人员
error-reference = 参考编号
error-code = 错误代码
error-description = 说明
error-documented = 这个错误代码的含义和处理办法
cause-request = 网站的请求有误
    .what = 您要进入的网站发来的请求无法处理。您的账号没有问题。
    .next = 请返回该网站重新进入。如果再次出现，请把下面的参考编号告诉该网站。
cause-sender = 无法确认您要进入的网站
    .what = 发来请求的网站没有登记，或者要求把您送往没有登记的地址。为保护您的信息，已停止跳转。
    .next = 请从该网站的首页重新进入，不要使用他人发来的登录链接。
cause-declined = 没有进入网站
    .what = 您选择了不进入，或者目前的登录方式、核验等级达不到该网站的要求。
    .next = 请返回该网站，需要时可以重新开始。
cause-expired = 页面已过期
    .what = 为了您的安全，登录步骤只在短时间内有效。
    .next = 请返回您要进入的网站，重新开始即可。
cause-browser = 请在开始登录的浏览器里继续
    .what = 这次登录是在另一个浏览器或另一台设备上开始的，或者本浏览器禁用了 Cookie。
    .next = 请回到原来的浏览器，或者在这里从网站重新进入。如果不是您开始的登录，请直接关闭本页。
cause-form = 这个页面已失效
    .what = 页面停留过久，或者您已在另一个标签页里登录或退出。您的操作没有执行。
    .next = 请返回上一页，刷新后再试一次。
cause-missing = 没有这个页面
    .what = 地址可能有误，或者页面已经移走。
    .next = 请检查地址，或者返回首页。
cause-limited = 次数过多
    .what = 为防止滥用，一段时间内的次数有上限。您的操作没有执行。
    .next = 请过一小时再试。着急办理的，请携带证件到服务窗口。
cause-busy = 现在访问的人很多
    .what = 系统暂时忙不过来，您的操作没有执行。
    .next = 请稍等一分钟再试。
cause-server = 系统出了问题
    .what = 问题出在我们这里，并且已经记录下来。
    .next = 请稍后再试。如果再次出现，请把下面的参考编号告诉您要进入的网站。

## 错误代码说明（面向接入方）

docs-title = 错误代码
docs-lead = 服务器返回的每一个错误代码：含义、原因和处理办法。
docs-why = 何时出现
docs-fix = 如何处理
docs-all = 全部错误代码
code-invalid_request = 请求缺少参数、参数重复，或者格式不正确。
    .why = 某个必需的参数没有给出、给出了两次、不是 UTF-8，或者几个参数互相矛盾。需要 PKCE 的客户端没有发送 code_challenge，或者 code_challenge_method 不是 S256，也会得到这个代码。
    .fix = error_description 会指出是哪个参数。请对照发现文档检查请求，每个参数只发送一次，令牌端点使用 application/x-www-form-urlencoded。
code-invalid_client = 客户端身份认证失败。
    .why = client_id 不存在，密钥不正确，认证方式与登记的 token_endpoint_auth_method 不同，或者客户端已被暂停。几种情况的回答相同。
    .fix = 核对 client_id 和密钥。用 client_secret_basic 时，编号和密钥都要先做表单编码，再做 Base64。每次请求只使用一种认证方式。都没有错的，请向运营方确认客户端是否已被暂停。
code-invalid_grant = 授权码或刷新令牌无效、过期、已被使用，或者不属于这个客户端。
    .why = 授权码最长 60 秒有效，只能用一次；code_verifier 或 redirect_uri 与授权请求不符；刷新令牌已被更换、撤销，或者会话、授权已经终止。
    .fix = 收到授权码后立即兑换，只兑换一次，redirect_uri 与授权请求逐字相同。刷新后保存新的刷新令牌。得不到新令牌时，请用户重新登录。
code-unauthorized_client = 这个客户端不能使用这种授权方式。
    .why = 请求的 grant_type 或 response_type 不在客户端登记的元数据里。
    .fix = 在登记信息的 grant_types、response_types 中加入所需的值。
code-unsupported_grant_type = 服务器不支持这种 grant_type。
    .why = grant_type 拼写有误，或者请求了本服务器不提供的方式（例如密码方式）。
    .fix = 使用发现文档 grant_types_supported 中列出的值。
code-unsupported_response_type = 服务器不支持这种 response_type。
    .why = 本服务器只提供授权码流程，不提供隐式和混合流程。
    .fix = 使用 response_type=code。
code-invalid_scope = 请求的 scope 无效、未知，或者超出登记的范围。
    .why = scope 的写法不正确，或者刷新时请求了比原来更多的范围。
    .fix = 只请求登记过的 scope，用空格分隔；刷新时不要超出最初获得的范围。
code-invalid_target = 请求的 resource 或 audience 未知，或者不对这个客户端开放。
    .why = resource 不是绝对地址、含有片段，或者没有与这个客户端建立关系的资源使用它。
    .fix = 使用资源方登记的标识，逐字相同；需要新的资源时，请先登记信任关系。
code-access_denied = 用户或者服务器拒绝了这次请求。
    .why = 用户在授权或告知页选择了不同意，或者账号目前不能进入。
    .fix = 把它当作正常结果：告诉用户没有登录，并让他可以重新开始。不要自动重试。
code-server_error = 服务器遇到意外情况。
    .why = 服务器内部出错。原因只写入服务器日志，以参考编号对应：页面上写着它，每个回答的 x-request-id 头里也有。
    .fix = 稍后重试一次。如果再次出现，请把参考编号和时间告诉运营方。
code-temporarily_unavailable = 服务器暂时不能处理请求。
    .why = 服务器过载或者正在维护。
    .fix = 按 Retry-After 等待后再试，间隔逐次加长。
code-login_required = 用户没有登录，而请求不允许显示登录页。
    .why = 请求含有 prompt=none，但没有会话、会话早于 max_age，或者与 id_token_hint 所指的不是同一个人。
    .fix = 去掉 prompt=none 重新发起授权请求。静默检查登录状态时，这是正常结果。
code-consent_required = 需要用户同意或者知悉，而请求不允许显示页面。
    .why = 请求含有 prompt=none，但用户还没有同意，或者接收方、用途、信息种类已有变化。
    .fix = 去掉 prompt=none 重新发起授权请求。
code-interaction_required = 需要用户操作，而请求不允许显示页面。
    .why = 请求含有 prompt=none，但除登录和同意之外还有一步必须由用户完成。
    .fix = 去掉 prompt=none 重新发起授权请求。
code-account_selection_required = 需要用户选择账号，而请求不允许显示页面。
    .why = 请求同时含有 prompt=none，而会话不能确定是哪一个账号。
    .fix = 去掉 prompt=none，或者用 id_token_hint 指明用户。
code-unmet_authentication_requirements = 达不到请求所要求的认证或核验等级。
    .why = 请求以必要（essential）方式要求 acr，而用户不能或者不愿达到。
    .fix = 只在确有需要时要求更高等级；告诉用户需要哪一级，并提供其他办理途径。
code-request_not_supported = 不接受 request 参数。
    .why = 请求中含有请求对象（JWT），而这里不支持。
    .fix = 直接发送各个参数；请求较长时用 POST 发送授权请求。
code-request_uri_not_supported = 不接受 request_uri 参数。
    .why = 请求引用了外部的请求对象，而这里不支持。
    .fix = 直接发送各个参数；请求较长时用 POST 发送授权请求。
code-registration_not_supported = 不接受 registration 参数。
    .why = 授权请求中附带了客户端元数据。
    .fix = 先登记客户端，再使用得到的 client_id。
code-invalid_redirect_uri = 登记的 redirect_uri 不可用。
    .why = 登记元数据时，地址不是 https（本机回环除外）、含有片段、含有通配符，或者使用了禁止的协议。
    .fix = 登记完整、确切的 https 地址；不同的地址分别登记。
code-invalid_client_metadata = 登记的客户端元数据有误。
    .why = 某个字段的值无效、不受支持，或者与其他字段矛盾。
    .fix = error_description 会指出是哪个字段。多个主机的 redirect_uri 需要 sector_identifier_uri。
code-invalid_token = 访问令牌无效。
    .why = 令牌已过期、已撤销、格式不正确、受众不符，或者相关会话已经结束。
    .fix = 用刷新令牌换取新的访问令牌；不行时请用户重新登录。请检查您的服务器时钟。
code-insufficient_scope = 访问令牌的 scope 不够。
    .why = 令牌有效，但没有访问这个资源所需的 scope。例如用户信息端点需要 openid。
    .fix = 在授权请求中加入所需的 scope，再次取得令牌。
code-unsupported_token_type = 不能撤销这种令牌。
    .why = 撤销端点收到的令牌属于不能单独撤销的种类，例如 ID 令牌。
    .fix = 只撤销访问令牌和刷新令牌；结束登录请使用退出端点。
code-unknown_client = 授权请求中的 client_id 没有登记。
    .why = client_id 有误，客户端已删除或者暂停，或者连到了另一个环境。此时不会跳转，因为无从确认跳转地址。
    .fix = 核对 client_id 和所连接的签发者（issuer）地址。
code-redirect_uri_mismatch = 授权请求中的 redirect_uri 与登记的不同。
    .why = 地址逐字比较：协议、主机、端口、路径、末尾斜杠和查询串都必须相同。此时不会跳转。
    .fix = 发送一个登记过的地址，或者把所用的地址加入登记信息。
code-interaction_expired = 登录步骤已经过期。
    .why = 用户在登录或授权页停留过久，使用了旧的书签，或者用浏览器后退到已经完成的步骤。
    .fix = 从您的网站重新发起授权请求。不要收藏或转发登录页的地址。
code-wrong_browser = 这一步不属于这个浏览器。
    .why = 登录页的地址在另一个浏览器或设备中打开，或者浏览器没有带回 Cookie。
    .fix = 在同一个浏览器里完成登录；不要把登录页放在其他网站的框架里，也不要转发它的地址。
code-csrf = 表单的防伪标记不正确。
    .why = 表单页面已经过期，会话已经改变，或者请求不是来自我们的页面。
    .fix = 刷新页面后重新提交。程序不应直接提交我们的表单。
code-not_found = 这个地址没有页面。
    .why = 路径有误，或者页面已经移走。
    .fix = 从发现文档读取各端点的地址，不要自行拼写。
code-too_many_requests = 尝试次数超过上限。
    .why = 同一手机号、证件或者网络地址段在一段时间内的尝试过多。无论它们是否登记，回答都相同。回答带有 Retry-After。
    .fix = 按 Retry-After 等待后再试。程序不应代替用户反复提交。

## 短信和邮件

message-registration_code = 【通行】注册验证码 { $code }，10 分钟内有效。请勿告诉任何人，工作人员也不会向您索要。如果不是您在注册，请不必理会。
message-recovery_code = 【通行】找回账号验证码 { $code }，10 分钟内有效。请勿告诉任何人，工作人员也不会向您索要。如果不是您在找回账号，请不必理会。
message-phone_code = 【通行】您正在为账号确认手机号或邮箱，验证码 { $code }，10 分钟内有效。请勿告诉任何人，工作人员也不会向您索要。
message-account_registered = 【通行】您的实名账号已开通，可以用它进入各省、各部门的网站。如果不是您本人注册的，请到服务窗口办理。
message-account_recovered = 【通行】您的账号于 { $at } 设置了新密码，此前的登录已全部退出。如果不是您本人操作的，请马上找回账号，或者到服务窗口办理。
message-document_taken_over = 【通行】您账号上的证件于 { $at } 由他人以更高等级的核验证明为其本人所有，已从您的账号移出。如有异议，请到服务窗口办理。
message-phone_left = 【通行】手机号 { $phone } 于 { $at } 由他人确认为其所有，已从您的账号移出，不能再用来登录或找回账号。如有异议，请到服务窗口办理。

## 演示

demo-note = 这是演示：人物、证件和手机号都是虚构的。
portal-title = 欢迎来到
portal-about-zhejiang = 参保登记、缴费记录和养老待遇申领。演示门户，不办理真实业务。
portal-about-guangdong = 企业设立、变更和注销登记。演示门户，不办理真实业务。
portal-basis-zhejiang = 本门户依法定职责办理：第一次进入时告知一次收到哪些信息，以后不再提示。
portal-basis-guangdong = 本门户经您同意才取得信息：第一次进入时征求同意，可以拒绝。
portal-also = 另一个演示门户：
portal-start = 演示说明：可以扮演的人，可以试的事
portal-login = 用通行登录
portal-logout = 退出登录
portal-welcome = { $person }，您好
portal-entry-login = 您刚刚在通行登录，进入了本网站。
portal-entry-single_sign_on = 您先前已在通行登录，这次没有再输入密码。
portal-refresh = 刷新令牌
portal-renewable = 访问令牌有效至 { $time }。刷新令牌可以换取新的，不必打扰本人。
portal-notice-logged_out = 已在本网站和通行退出。
portal-notice-ended_elsewhere = 您在通行或者其他网站退出了登录，本网站的登录也随之结束。
portal-notice-refreshed = 已用刷新令牌换得新的令牌和信息。
portal-problem = 没有成功
portal-advice-declined = 您没有同意，本网站没有收到任何信息。
portal-advice-begin_again = 这次登录已经过期，或者不是在这个浏览器里开始的。请重新登录。
portal-advice-ended = 通行已经结束了这次登录，请重新登录。
portal-advice-later = 通行暂时没有回应，请稍后再试。
portal-next = 不必再次登录，直接进入：
portal-claims = 收到的信息
portal-claims-zhejiang = 办理社会保险需要姓名和手机号，证件号码没有提供。
portal-claims-guangdong = 企业登记只需要姓名，手机号和证件号码都没有提供。
claim-sub = 本门户专用的编号；另一个门户收到的是另一个，两处无法对照。
claim-name = 实名登记的姓名
claim-phone_number = 手机号
claim-phone_number_verified = 手机号是否已经验证
claim-ial = 身份核验的程度，一至四级
claim-aal = 本次登录的可靠程度，一至三级
claim-acr = 门户要求并达到的程度；没有要求时是登录的程度
claim-amr = 登录的方式；pwd 是密码
claim-auth_time = 在通行登录的时间
claim-iss = 签发者
claim-aud = 签发给谁：本门户的客户端编号
claim-iat = 签发时间
claim-exp = 失效时间
claim-sid = 这次登录的编号，也是本门户专用的
claim-nonce = 本门户发出的一次性随机数，证明这张令牌是为这次登录签发的
claim-at_hash = 访问令牌的摘要，证明两张令牌是一起签发的
portal-claim = 名称
portal-value = 值
portal-tokens = 收到的令牌
start-title = 通行演示
start-lead = 注册一次，进入第一个门户；再打开第二个，不必再次登录。
start-provider = 通行
    .detail = 认证服务器
start-people = 已经注册的人
    .detail = 任选一人，用这里的账号和密码登录。
start-name = 姓名
start-level = 核验等级
start-try = 可以试的事
start-remembers = 演示会记住这里做过的事，下次运行接着继续。要从头开始，请运行 tongxing demo --fresh。
start-try-notice = 进入浙江：登录后告知一次；退出后再登录，不再提示。
start-try-consent = 从浙江的页面进入广东：不再要密码，只问一次是否同意。也可以拒绝，看看门户怎样说明。
start-try-subject = 对照两个门户收到的 sub：同一个人，编号不同。
start-try-logout = 在一个门户退出，再从另一个门户重新登录：要输入密码了。
