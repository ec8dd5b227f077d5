using Bank.Contracts;
using Sequent.Client;

namespace EndToEnd.Fire;

/// <summary>The audit is what the fire is judged by: it has to see every lie.</summary>
public class RequestAuditTests
{
    private const string RequestId = "5f0c0d3e-0000-8000-8000-000000000001";
    private static readonly Money Ten = new(10_00);
    private static readonly Money TooMuch = new(20_00);
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private List<RecordedRequest> _requests = null!;
    private List<RecordedEvent> _log = null!;

    /// <summary>An account is opened, money is paid in and out, and a part of it goes to nobody.</summary>
    [SetUp]
    public void Begin()
    {
        _log = [];
        Log(Keys.Request(RequestId), new AccountCreationRequest(RequestId, Noon));
        Log("acc-1", new AccountCreated(RequestId, 1), new ConfirmedCredit(1, Ten, Noon, Note: "deposit"), new ConfirmedDebit(1, new Money(1), Noon, Note: "withdrawal"));
        Log("tx-7", new PendingTransaction(7, 1, 2, new Money(5)), new RejectedTransaction(7, Reasons.UnknownAccount));
        _requests =
        [
            Request(Wish.Opening, default, Accepted(1), r => (r.RequestId, r.OpenedAccount) = (RequestId, 1)),
            Request(Wish.Deposit, Ten, Accepted(3)),
            Request(Wish.Withdrawal, new Money(1), Accepted(4)),
            Request(Wish.Withdrawal, TooMuch, Refused(Noon)),
            Request(Wish.Transfer, new Money(5), Accepted(5), Rejected),
        ];
    }

    [Test]
    public void Answers_that_agree_with_the_log_have_no_findings() => Assert.That(Findings(), Is.Empty);

    [Test]
    public void What_was_accepted_is_missing()
    {
        _requests.Add(Request(Wish.Deposit, new Money(3), Accepted(9)));
        _requests.Add(Request(Wish.Transfer, new Money(4), Accepted(9), r => (r.TransactionId, r.Ending) = (8, "ACCEPTED")));
        _requests.Add(Request(Wish.Opening, default, Accepted(9), r => r.RequestId = "another"));

        Assert.That(Findings(), Has.Count.EqualTo(3));
    }

    [Test]
    public void What_was_accepted_is_there_twice()
    {
        Log("acc-1", new ConfirmedCredit(1, Ten, Noon, Note: "deposit"));

        Assert.That(Findings(), Has.Some.Contains("2 times in the log"));
    }

    [Test]
    public void It_is_not_where_the_answer_said()
    {
        _requests[1].Answer = Accepted(4);

        Assert.That(Findings(), Has.One.Contains("not where the answer said"));
    }

    [Test]
    public void Nobody_asked_for_it()
    {
        Log("acc-1", new ConfirmedCredit(1, new Money(3), Noon, Note: "deposit"));
        Log("tx-8", new PendingTransaction(8, 1, 2, new Money(6)));
        Log("other", new AccountCreationRequest("other", Noon));

        Assert.That(Findings(), Has.Count.EqualTo(3).And.All.Contains("nobody asked for it"));
    }

    [Test]
    public void It_is_there_although_it_was_refused()
    {
        Log("acc-1", new ConfirmedDebit(1, TooMuch, Noon, Note: "withdrawal"));

        Assert.That(Findings(), Has.Some.Contains("refused, but 1 times"));
    }

    [Test]
    public void Refused_while_another_attempt_was_under_way_it_may_be_stored_later_but_not_before()
    {
        Log("acc-1", new ConfirmedDebit(1, TooMuch, Noon, Note: "withdrawal"));
        _log[^1] = _log[^1] with { Time = Noon.AddSeconds(2) };
        _requests[3].Unanswered.Add("silence");

        _requests[3].Answer = Refused(Noon.AddSeconds(1));
        Assert.That(Findings(), Is.Empty);

        _requests[3].Answer = Refused(Noon.AddSeconds(3));
        Assert.That(Findings(), Has.One.Contains("was in the log since"));
    }

    [Test]
    public void A_transfer_is_not_the_one_that_was_asked_for()
    {
        _requests[4] = Request(Wish.Transfer, new Money(6), Accepted(5), Rejected);

        Assert.That(Findings(), Has.One.Contains("the log says"));
    }

    [Test]
    public void A_transfer_ended_otherwise_than_was_told()
    {
        _requests[4].Ending = "ACCEPTED";

        Assert.That(Findings(), Has.One.Contains("was told ACCEPTED"));
    }

    [Test]
    public void A_request_was_never_answered()
    {
        _requests.Add(Request(Wish.Deposit, new Money(3), null));

        Assert.That(Findings(), Has.One.Contains("never answered"));
    }

    [Test]
    public void Two_requests_share_one_event()
    {
        _requests.Add(Request(Wish.Transfer, new Money(5), Accepted(5), Rejected));

        Assert.That(Findings(), Has.One.Contains("also another request's"));
    }

    [Test]
    public void A_replay_was_answered_otherwise()
    {
        _requests[1].Replays.Add(Accepted(4));

        Assert.That(Findings(), Has.One.Contains("repeated, it was answered"));
    }

    [Test]
    public void Another_body_was_accepted()
    {
        _requests[1].Forgeries.Add(Accepted(3));

        Assert.That(Findings(), Has.One.Contains("another body was answered"));
    }

    [Test]
    public void An_answer_that_no_route_names()
    {
        _requests[3].Answer = new Answer(404, "", null, Noon, Noon);

        Assert.That(Findings(), Has.One.Contains("no answer of this route"));
    }

    [Test]
    public void A_transfer_was_rejected_for_another_reason_than_was_told()
    {
        _requests[4].Reason = Reasons.InsufficientFunds;

        Assert.That(Findings(), Has.One.Contains("was told REJECTED insufficient_funds"));
    }

    [Test]
    public void An_account_has_another_id_than_was_told()
    {
        _requests[0].OpenedAccount = 2;

        Assert.That(Findings(), Has.One.Contains("was told that it is account 2"));
    }

    [Test]
    public void A_withdrawal_was_refused_although_there_was_enough()
    {
        _requests.Add(Request(Wish.Withdrawal, new Money(9_99), Refused(Noon)));

        Assert.That(Findings(), Has.One.Contains("there was always enough"));
    }

    [Test]
    public void A_withdrawal_may_be_refused_if_there_was_too_little_for_a_moment()
    {
        Log("acc-1", new ConfirmedDebit(1, new Money(1), Noon, Note: "withdrawal"), new ConfirmedCredit(1, new Money(1), Noon, Note: "deposit"));
        _requests.Add(Request(Wish.Withdrawal, new Money(1), Accepted(7)));
        _requests.Add(Request(Wish.Deposit, new Money(1), Accepted(8) with { AnsweredAt = Noon.AddSeconds(2) }));
        _requests.Add(Request(Wish.Withdrawal, new Money(9_99), Refused(Noon.AddSeconds(1))));

        Assert.That(Findings(), Has.None.Contains("there was always enough"));
    }

    [Test]
    public void A_withdrawal_was_refused_for_a_reason_that_is_none()
    {
        _requests[3].Answer = Refused(Noon, Reasons.AccountLimit);

        Assert.That(Findings(), Has.One.Contains("refused for account_limit"));
    }

    [Test]
    public void A_transfer_was_rejected_although_there_was_enough()
    {
        Log("acc-2", new AccountCreated("another", 2));
        Log("tx-8", new PendingTransaction(8, 1, 2, new Money(9_99)), new RejectedTransaction(8, Reasons.InsufficientFunds));

        Assert.That(Findings(), Has.One.Contains("but nothing was in its way"));
    }

    [Test]
    public void A_transfer_was_accepted_although_there_was_too_little()
    {
        LogAccepted(TooMuch);

        Assert.That(Findings(), Has.One.Contains("accepted, although insufficient_funds"));
    }

    [Test]
    public void Something_came_between_a_decision_and_its_money()
    {
        LogAccepted(new Money(6));
        Assert.That(Findings(), Has.None.Contains("do not follow at once"));

        (_log[^1], _log[^2]) = (_log[^2], _log[^1]);
        Assert.That(Findings(), Has.One.Contains("do not follow at once"));
    }

    private IReadOnlyList<string> Findings() => RequestAudit.Of(_requests, _log).Findings;

    private void Log(string key, params object[] data)
    {
        foreach (var item in data)
        {
            _log.Add(new RecordedEvent
            {
                EventType = item.GetType().Name,
                Data = item,
                Key = key,
                Value = (uint)_log.Count(e => e.Key == key),
                Position = _log.Count + 1,
                Time = Noon,
            });
        }
    }

    private void LogAccepted(Money amount)
    {
        Log("acc-2", new AccountCreated("another", 2));
        Log("tx-8", new PendingTransaction(8, 1, 2, amount), new AcceptedTransaction(8));
        Log("acc-1", new ConfirmedDebit(1, amount, Noon, TransactionID: 8));
        Log("acc-2", new ConfirmedCredit(2, amount, Noon, TransactionID: 8));
    }

    private static Answer Accepted(long position) => new(202, "", position, Noon, Noon);

    private static Answer Refused(DateTimeOffset at, string reason = Reasons.InsufficientFunds) => new(409, $$"""{"reason":"{{reason}}"}""", null, at, at);

    private static void Rejected(RecordedRequest transfer) => (transfer.TransactionId, transfer.Ending, transfer.Reason) = (7, "REJECTED", Reasons.UnknownAccount);

    private static RecordedRequest Request(Wish wish, Money amount, Answer? answer, Action<RecordedRequest>? more = null)
    {
        var request = new RecordedRequest { Wish = wish, Username = "somebody", Path = "/", Body = "", Account = 1, To = 2, Amount = amount, Answer = answer };
        more?.Invoke(request);
        return request;
    }
}
