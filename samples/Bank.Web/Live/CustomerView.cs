using Bank.Web.Api;

namespace Bank.Web.Live;

/// <summary>
/// What one customer sees, kept fresh while the page is open: the services tell nothing by themselves, so they are asked again and again. One for each open page.
/// </summary>
public sealed partial class CustomerView : IAsyncDisposable
{
    /// <summary>How many accounts are asked for at once.</summary>
    private const int AtOnce = 16;

    /// <summary>What others do shows after this time at the latest, plus what the answers take.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan PauseWhileAway = TimeSpan.FromSeconds(1);

    private readonly BankClient _bank;
    private readonly TimeProvider _time;
    private readonly ILogger<CustomerView> _log;
    private readonly CancellationTokenSource _end = new();
    private readonly CancellationToken _ended;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private Task _running = Task.CompletedTask;
    private long? _watched;

    public CustomerView(BankClient bank, TimeProvider time, ILogger<CustomerView> log) => (_bank, _time, _log, _ended) = (bank, time, log, _end.Token);

    /// <summary>Raised when something looks different, on whatever thread the answers came.</summary>
    public event Action? Changed;

    public Snapshot Now { get; private set; } = Snapshot.Empty;

    /// <summary>The session is over; nothing is asked any more.</summary>
    public bool IsSignedOut { get; private set; }

    /// <summary>Nobody looks now, so nobody is asked.</summary>
    public bool IsPaused { get; set; }

    /// <param name="token">The session.</param>
    /// <param name="watched">The account whose statement is wanted, if any.</param>
    public void Start(string token, long? watched = null)
    {
        _bank.Token = token;
        _watched = watched;
        _running = RunAsync();
    }

    /// <summary>Asks now: for what the customer has just done.</summary>
    public async Task RefreshAsync()
    {
        await _turn.WaitAsync(_ended);
        try
        {
            var before = Now;
            Now = await ReadAsync(before, _ended);
            if (IsSignedOut || !Now.LooksLike(before))
                Changed?.Invoke();
        }
        finally
        {
            _turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (!IsSignedOut)
            {
                if (!IsPaused)
                    await RefreshAsync();
                await Task.Delay(Now.Away.Count == 0 ? Pause : PauseWhileAway, _time, _ended);
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogFailed(e); // a defect: the page stands still, and nobody else would hear of it
        }
    }

    private async Task<Snapshot> ReadAsync(Snapshot last, CancellationToken cancellationToken)
    {
        var me = await TryAsync(() => _bank.MeAsync(cancellationToken));
        var transfers = TryAsync(() => _bank.TransfersAsync(cancellationToken));
        // Whose accounts they are is for Users to say; while it cannot, the ones that are known go on showing.
        IReadOnlyList<long>? ids = me?.Accounts ?? last.Accounts?.Select(account => account.AccountId).ToList();
        if (_watched is { } watched)
            ids = ids?.Where(id => id == watched).ToList();
        var accounts = ids is null ? null : await TryAsync(() => BalancesAsync(ids, cancellationToken));
        var statement = accounts is null ? null : await TryAsync(() => StatementAsync(accounts, last.Statement, cancellationToken));

        var away = new List<Part>();
        if (me is null)
            away.Add(Part.Users); // the others need it to know who asks: their answers say nothing about themselves
        else if (accounts is null || (statement is null && Shows(accounts)))
            away.Add(Part.Accounts);
        if (await transfers is null && me is not null)
            away.Add(Part.Transactions);
        return new Snapshot
        {
            Accounts = accounts ?? last.Accounts,
            Statement = statement ?? last.Statement,
            Transfers = await transfers ?? last.Transfers,
            Away = away,
            CompleteAt = away.Count == 0 ? _time.GetUtcNow() : last.CompleteAt,
        };
    }

    private bool Shows(IReadOnlyList<AccountBalance> accounts) => accounts.Any(account => account.AccountId == _watched);

    private async Task<IReadOnlyList<AccountBalance>> BalancesAsync(IReadOnlyList<long> ids, CancellationToken cancellationToken)
    {
        var balances = new List<AccountBalance>();
        foreach (var some in ids.Chunk(AtOnce))
            balances.AddRange(await Task.WhenAll(some.Select(id => _bank.BalanceAsync(id, cancellationToken))));
        return balances;
    }

    /// <summary>Asked for only when there is something new in it: it grows with the account's age.</summary>
    private async Task<Statement?> StatementAsync(IReadOnlyList<AccountBalance> accounts, Statement? last, CancellationToken cancellationToken)
    {
        if (accounts.FirstOrDefault(account => account.AccountId == _watched) is not { } account)
            return null;
        if (last is not null && last.Position is not null && last.Position == account.Position)
            return last;
        return new Statement(account.AccountId, account.Position, await _bank.StatementAsync(account.AccountId, cancellationToken));
    }

    /// <summary>Null if it cannot be had now.</summary>
    private async Task<T?> TryAsync<T>(Func<Task<T>> read)
        where T : class?
    {
        if (IsSignedOut)
            return null;
        try
        {
            return await read();
        }
        catch (BankException e)
        {
            IsSignedOut |= e.IsSignedOut;
            return null;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A page is not kept fresh any more.")]
    private partial void LogFailed(Exception fault);
}
