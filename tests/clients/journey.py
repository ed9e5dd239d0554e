"""What journeys have in common: checks that are counted, a line each."""


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


class Journey:
    def __init__(self, name):
        self.name, self.passed, self.failed = name, 0, 0

    def check(self, what, act):
        try:
            act()
        except Exception as why:  # a failed check is a line of the report, whatever was raised
            self.fail(what, why)
        else:
            self.passed += 1
            print(f"PASS {self.name}: {what}", flush=True)

    def fail(self, what, why):
        self.failed += 1
        told = " ".join(str(why).split())[:400]
        print(f"FAIL {self.name}: {what} - {type(why).__name__}: {told}", flush=True)
