namespace EndToEnd.Fire;

/// <summary>What one client does until the fire is over: openings, deposits, withdrawals and transfers, mostly on a few hot accounts, some of them to be refused.</summary>
/// <param name="customer">Who asks.</param>
/// <param name="mine">The hot accounts that are the customer's own.</param>
/// <param name="hot">All of them, of everybody.</param>
/// <param name="amounts">Shared by all clients.</param>
/// <param name="random">Decides what comes next.</param>
internal sealed class FireLoad(BankCustomer customer, IReadOnlyList<long> mine, IReadOnlyList<long> hot, Amounts amounts, Random random)
{
    /// <summary>An id that no account has: ids are positions in the log.</summary>
    private const long NoAccount = 1L << 50;

    private readonly List<long> _opened = [];
    private readonly List<RecordedRequest> _accepted = [];

    public async Task RunAsync(CancellationToken fireIsOver)
    {
        while (!fireIsOver.IsCancellationRequested)
        {
            await NextAsync();
            if (customer.Records[^1] is { Answer.IsAccepted: true } accepted)
                _accepted.Add(accepted);
            if (_accepted.Count > 0)
                await RepeatSomeAsync(_accepted[random.Next(_accepted.Count)]);
        }

        await customer.DecidedAsync();
    }

    private async Task NextAsync()
    {
        var account = _opened.Count > 0 && random.Next(6) == 0 ? Any(_opened) : Any(mine);
        switch (random.Next(100))
        {
            case < 2:
                _opened.Add(await customer.OpenAsync());
                break;
            case < 36:
                await customer.DepositAsync(account, amounts.Next(random));
                break;
            case < 66:
                await customer.WithdrawAsync(account, amounts.Next(random));
                break;
            case < 70:
                await customer.WithdrawAsync(account, amounts.NextTooMuch());
                break;
            case < 72:
                await customer.TransferAsync(account, NoAccount, amounts.Next(random));
                break;
            case < 74:
                await customer.TransferAsync(account, OtherThan(account), amounts.NextTooMuch());
                break;
            default:
                await customer.TransferAsync(account, OtherThan(account), amounts.Next(random));
                break;
        }
    }

    private async Task RepeatSomeAsync(RecordedRequest accepted)
    {
        switch (random.Next(100))
        {
            case < 10:
                await customer.ReplayAsync(accepted);
                break;
            // An opening has no body that could be another one.
            case < 13 when accepted.Wish != Wish.Opening:
                await customer.ForgeAsync(accepted, amounts.Next(random));
                break;
        }
    }

    private long OtherThan(long account)
    {
        var others = hot.Concat(_opened).Where(id => id != account).ToArray();
        return others[random.Next(others.Length)];
    }

    private long Any(IReadOnlyList<long> accounts) => accounts[random.Next(accounts.Count)];
}
