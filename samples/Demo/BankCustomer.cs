using System.Diagnostics;
using System.Net;
using Bank.Contracts;
using Bank.Web.Api;

namespace Demo;

/// <summary>One customer of the bank, who waits for what comes of a request.</summary>
internal sealed class BankCustomer : IDisposable
{
    // Not a secret: the people of the demo exist only in its own folder.
    private const string Password = "only-for-the-demo";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly HttpClient _http = new();
    private readonly BankClient _bank;

    public BankCustomer(BankAddresses bank, string username) => (_bank, Username) = (new BankClient(_http, bank.Services), username);

    public string Username { get; }

    /// <summary>Registers if the name is free, and logs in. True if the customer is new.</summary>
    public async Task<bool> SignInAsync(CancellationToken cancellationToken)
    {
        var isNew = await IsNewAsync(cancellationToken);
        _bank.Token = (await _bank.LogInAsync(Username, Password, cancellationToken)).Token;
        return isNew;
    }

    public async Task<IReadOnlyList<long>> AccountsAsync(CancellationToken cancellationToken) => (await _bank.MeAsync(cancellationToken)).Accounts;

    /// <summary>Asks for an account and waits for it.</summary>
    public async Task<long> OpenAccountAsync(CancellationToken cancellationToken)
    {
        var request = await _bank.RequestAccountAsync(key: null, cancellationToken);
        request = await PollAsync(() => _bank.AccountRequestAsync(request.RequestId, cancellationToken), r => r.Status == "created", "the account to be created", cancellationToken);
        return request.AccountId ?? throw new DemoFailedException("An account was created without an id.");
    }

    public async Task<Money> BalanceAsync(long account, CancellationToken cancellationToken) => (await _bank.BalanceAsync(account, cancellationToken)).Balance;

    public Task<List<StatementLine>> StatementAsync(long account, CancellationToken cancellationToken) => _bank.StatementAsync(account, cancellationToken);

    public Task DepositAsync(long account, Money amount, CancellationToken cancellationToken) => _bank.DepositAsync(account, amount, key: null, cancellationToken);

    /// <summary>Asks for a transfer and waits until it is decided.</summary>
    public async Task<TransferState> TransferAsync(long from, long to, Money amount, CancellationToken cancellationToken)
    {
        var state = await _bank.TransferAsync(from, to, amount, key: null, cancellationToken);
        return await PollAsync(() => _bank.TransferAsync(state.TransactionId, cancellationToken), s => s.Status != "PENDING", "the transfer to be decided", cancellationToken);
    }

    /// <summary>The list of transfers, as soon as it shows what is expected: lists may lag.</summary>
    public Task<List<TransferLine>> TransfersAsync(Func<List<TransferLine>, bool> expected, CancellationToken cancellationToken) =>
        PollAsync(() => _bank.TransfersAsync(cancellationToken), expected, "the list of transfers to agree with the log", cancellationToken);

    public void Dispose() => _http.Dispose();

    private async Task<bool> IsNewAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _bank.RegisterAsync(Username, Password, cancellationToken);
            return true;
        }
        catch (BankException e) when (e.Status == HttpStatusCode.Conflict)
        {
            return false;
        }
    }

    private static async Task<T> PollAsync<T>(Func<Task<T>> get, Func<T, bool> done, string what, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            var value = await get();
            if (done(value))
                return value;
            if (watch.Elapsed > Patience)
                throw new DemoFailedException($"Waited {Patience.TotalSeconds} s for {what}.");
            await Task.Delay(Pause, cancellationToken);
        }
    }
}
