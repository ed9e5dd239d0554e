# 演示：尚未注册的人、你的手机、核验机构。

start-phone = 验证码和通知都送到这里
start-newcomers = 还没有注册的人
    .detail = 核验机构认识他们。注册时照此填写，密码自定。
start-story = 从注册到退出
start-story-register = 打开浙江社会保险，选“用通行登录”，再选“注册”，填入上面任意一人的姓名、证件和手机号。
start-story-code = 验证码送到：
start-story-first = 验证码和核验都通过，账号才成立。看过一次告知，就进入浙江。
start-story-second = 从浙江的页面进入广东：不必登录，只问一次。
start-story-account = 等级、登录的设备、进入过的网站、最近发生的事，都在：
start-story-recover = 忘记密码时，手机号和身份都要再核验一次，各处的登录随即结束：
start-story-logout = 在另一个浏览器登录，回到我的账号把它结束；再从一个门户退出，另一个也随之退出。
start-squatter = 有人抢先用了别人的证件
start-squatter-who = 有人用{ $owner }的姓名和证件号码开了账号，没有经过核验，只有一级。以他的身份登录，看看我的账号：
start-squatter-sees = 然后以{ $owner }本人注册：三项一致，等级更高，证件归本人。抢先的人收到通知，他的登录和授权都已结束；再登录，账号里不再有证件。
start-authority = 核验机构出了故障
start-authority-what = 演示自带一个模拟的核验机构。让它停下（down）、变慢（slow）或恢复（ok），看看注册怎样说明、登录怎样照常。
start-authority-people = 它认识的另外一千人
phone-title = 你的手机
phone-lead = 演示中每个人的手机都在这里，最新的在最前。真实的手机当然各归本人。
phone-again = 再看一次
phone-refresh-by_itself = 停止自动刷新
phone-refresh-asked = 每 4 秒自动刷新
phone-whose = 谁的手机
phone-all = 所有人
phone-none = 还没有消息。注册、找回账号或者证件被接管时，消息会出现在这里。
