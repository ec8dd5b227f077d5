using Bank.Accounts;
using Bank.Contracts;
using Sequent.Client;

namespace Bank.Tests;

public class DecisionTests
{
    private static readonly Account Empty = Fold<Account>(new AccountCreated("r", 1));
    private static readonly Account WithTen = Fold<Account>(new AccountCreated("r", 1), Credit(15_00), Debit(5_00));

    [Test]
    public void An_account_exists_once_it_was_created() =>
        Assert.That((Account.Initial.Exists, Empty.Exists, Empty.Balance), Is.EqualTo((false, true, Money.Zero)));

    [Test]
    public void A_balance_is_credits_minus_debits() => Assert.That(WithTen.Balance, Is.EqualTo(new Money(10_00)));

    [Test]
    public void An_account_knows_where_its_last_event_stands() => Assert.That(WithTen.Position, Is.EqualTo(3));

    [Test]
    public void A_transfer_that_can_be_paid_is_not_refused() => Assert.That(Refusal(WithTen, Empty, 10_00), Is.Null);

    [Test]
    public void One_cent_too_much_is_refused() => Assert.That(Refusal(WithTen, Empty, 10_01), Is.EqualTo(Reasons.InsufficientFunds));

    [Test]
    public void A_transfer_from_or_to_an_unknown_account_is_refused()
    {
        Assert.That(Refusal(Account.Initial, WithTen, 1), Is.EqualTo(Reasons.UnknownAccount));
        Assert.That(Refusal(WithTen, Account.Initial, 1), Is.EqualTo(Reasons.UnknownAccount));
    }

    [TestCase(0)]
    [TestCase(-1)]
    [TestCase(1_000_000_000_01)]
    public void An_amount_nobody_may_pay_is_refused_wherever_it_came_from(long cents) =>
        Assert.That(Refusal(WithTen, Empty, cents), Is.EqualTo(Reasons.InvalidAmount));

    [Test]
    public void An_account_that_would_hold_too_much_takes_no_more() =>
        Assert.That(Refusal(WithTen, Empty with { Balance = Account.Limit }, 1), Is.EqualTo(Reasons.AccountLimit));

    [Test]
    public void A_transfer_is_pending_until_its_first_ending_and_that_one_stands()
    {
        var request = new PendingTransaction(7, 1, 2, new Money(1));
        var accepted = Fold<Transfer>(request, new AcceptedTransaction(7), new RejectedTransaction(7, "late"));

        Assert.That(Fold<Transfer>(request), Is.EqualTo(new Transfer(request, TransferStatus.Pending, null)));
        Assert.That(accepted, Is.EqualTo(new Transfer(request, TransferStatus.Accepted, null)));
        Assert.That(accepted.Ended, Is.True);
    }

    [Test]
    public async Task An_ended_transfer_is_left_alone()
    {
        var unit = new UnitInMemory { Folds = { [Keys.Transaction(7)] = Transfer.Initial with { Status = TransferStatus.Rejected } } };
        await new PendingTransactionHandler().HandleAsync(Context(new PendingTransaction(7, 1, 2, new Money(1)), Keys.Transaction(7), unit), default);

        Assert.That(unit.Appended, Is.Empty);
    }

    [Test]
    public async Task An_accepted_transfer_appends_its_ending_the_debit_and_the_credit()
    {
        var unit = new UnitInMemory { Folds = { [Keys.Account(1)] = WithTen, [Keys.Account(2)] = Empty } };
        await new PendingTransactionHandler().HandleAsync(Context(new PendingTransaction(7, 1, 2, new Money(4_00)), Keys.Transaction(7), unit), default);

        Assert.That(unit.Appended, Is.EqualTo(new (string, object)[]
        {
            ("tx-7", new AcceptedTransaction(7)),
            ("acc-1", new ConfirmedDebit(1, new Money(4_00), default, 7)),
            ("acc-2", new ConfirmedCredit(2, new Money(4_00), default, 7)),
        }));
    }

    [Test]
    public async Task A_refused_transfer_appends_only_its_ending()
    {
        var unit = new UnitInMemory { Folds = { [Keys.Account(1)] = WithTen } };
        await new PendingTransactionHandler().HandleAsync(Context(new PendingTransaction(7, 1, 2, new Money(4_00)), Keys.Transaction(7), unit), default);

        Assert.That(unit.Appended, Is.EqualTo(new (string, object)[] { ("tx-7", new RejectedTransaction(7, Reasons.UnknownAccount)) }));
    }

    [Test]
    public async Task An_account_takes_the_position_of_its_request_as_its_id()
    {
        var unit = new UnitInMemory();
        await new AccountCreationHandler().HandleAsync(Context(new AccountCreationRequest("r", default), Keys.Request("r"), unit, position: 42), default);

        Assert.That(unit.Appended, Is.EqualTo(new (string, object)[] { ("acc-42", new AccountCreated("r", 42)) }));
    }

    private static string? Refusal(Account from, Account to, long cents) => PendingTransactionHandler.Refusal(from, to, new Money(cents));

    private static ConfirmedCredit Credit(long cents) => new(1, new Money(cents), default);

    private static ConfirmedDebit Debit(long cents) => new(1, new Money(cents), default);

    private static TState Fold<TState>(params object[] events)
        where TState : IState<TState> =>
        events.Select((data, index) => Recorded(data, "key", index + 1)).Aggregate(TState.Initial, TState.Apply);

    private static RecordedEvent Recorded(object data, string key, long position) =>
        new() { EventType = data.GetType().Name, Data = data, Key = key, Position = position };

    private static EventContext<TEvent> Context<TEvent>(TEvent data, string key, IUnit unit, long position = 1)
        where TEvent : notnull => new(Recorded(data, key, position), unit);

    private sealed class UnitInMemory : IUnit
    {
        public Dictionary<string, object> Folds { get; } = [];

        public List<(string Key, object Data)> Appended { get; } = [];

        public ValueTask<TState> ReadAsync<TState>(string key, CancellationToken cancellationToken = default)
            where TState : IState<TState> => new(Folds.TryGetValue(key, out var fold) ? (TState)fold : TState.Initial);

        public void Append(string key, object data) => Appended.Add((key, data));
    }
}
