using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Bank.Contracts;

namespace EndToEnd.Fire;

/// <summary>One client of the bank: asks for one change after another, each under a key of its own, until it is answered, and keeps a record of it.</summary>
internal sealed class BankCustomer(BankProcesses bank, string username, int number) : IDisposable
{
    private const string Password = "only-under-fire";
    private const int MaxPending = 8;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    // Some have more patience than others, all less than the longest freeze.
    private readonly StubbornHttp _http = new(number, TimeSpan.FromMilliseconds(400 + (60 * number)));
    private readonly List<RecordedRequest> _records = [];
    private readonly List<Task> _pending = [];
    private int _answered;
    private int _accepted;
    private int _refused;
    private int _replays;

    public string Username => username;

    public StubbornHttp Http => _http;

    /// <summary>Everything that was asked for, in this order.</summary>
    public IReadOnlyList<RecordedRequest> Records => _records;

    /// <summary>How many of them were answered so far; this and what follows may be read while others are asked for.</summary>
    public int Answered => Volatile.Read(ref _answered);

    /// <summary>Of these, 2xx.</summary>
    public int Accepted => Volatile.Read(ref _accepted);

    /// <summary>409, and transfers that were rejected.</summary>
    public int Refused => Volatile.Read(ref _refused);

    /// <summary>Asked for once more after it was answered, and answered again.</summary>
    public int Replays => Volatile.Read(ref _replays);

    /// <summary>Registers the name, if nobody did yet, and logs in.</summary>
    public async Task SignInAsync()
    {
        var body = new JsonObject { ["username"] = username, ["password"] = Password }.ToJsonString();
        await _http.PostAsync(bank.Users, "/register", body, "register", []);
        var login = await _http.PostAsync(bank.Users, "/login", body, "login", []);
        _http.Token = login.Status == 200 ? JsonNode.Parse(login.Body)!["token"]!.GetValue<string>() : throw new InvalidOperationException($"Login: {login}");
    }

    /// <summary>Asks for an account and waits until it is there.</summary>
    public async Task<long> OpenAsync()
    {
        const string path = "/users/me/accounts";
        var record = new RecordedRequest { Wish = Wish.Opening, Username = username, Path = path, Body = "{}" };
        var answer = await SendAsync(record);
        record.RequestId = Field(answer, "request_id").GetValue<string>();
        var state = await PollAsync(bank.Users, $"{path}/requests/{record.RequestId}", body => body["status"]!.GetValue<string>() == "created");
        return record.OpenedAccount = state["account_id"]!.GetValue<long>();
    }

    public Task DepositAsync(long account, Money amount) => PayAsync(Wish.Deposit, account, amount);

    /// <summary>Refused if there is too little.</summary>
    public Task WithdrawAsync(long account, Money amount) => PayAsync(Wish.Withdrawal, account, amount);

    /// <summary>
    /// Asks for a transfer. Its ending is looked for while others are asked for: an instance that stands still does not make everybody stand still.
    /// </summary>
    public async Task TransferAsync(long from, long to, Money amount)
    {
        var record = new RecordedRequest
        {
            Wish = Wish.Transfer,
            Username = username,
            Path = "/transactions",
            Body = TransferBody(from, to, amount),
            Account = from,
            To = to,
            Amount = amount,
        };
        var watch = Stopwatch.StartNew();
        var answer = await SendAsync(record);
        record.TransactionId = Field(answer, "transaction_id").GetValue<long>();
        if (_pending.Count == MaxPending)
            await DecidedAsync(await Task.WhenAny(_pending));
        _pending.Add(WatchAsync(record, watch));
    }

    /// <summary>Waits until everything this customer has asked for is decided.</summary>
    public async Task DecidedAsync()
    {
        while (_pending.Count > 0)
            await DecidedAsync(_pending[0]);
    }

    /// <summary>Asks once more for what was answered.</summary>
    public async Task ReplayAsync(RecordedRequest record)
    {
        record.Replays.Add(await PostAsync(record, record.Body, []));
        Interlocked.Increment(ref _replays);
    }

    /// <summary>Asks for something else, under a key that is taken.</summary>
    public async Task ForgeAsync(RecordedRequest record, Money amount) => record.Forgeries.Add(
        await PostAsync(record, record.Wish == Wish.Transfer ? TransferBody(record.Account, record.To, amount) : PaymentBody(amount), []));

    public void Dispose() => _http.Dispose();

    private async Task WatchAsync(RecordedRequest record, Stopwatch watch)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"/transactions/{record.TransactionId}");
        var ended = await PollAsync(bank.Transactions, path, body => body["status"]!.GetValue<string>() != "PENDING");
        (record.Ending, record.Reason) = (ended["status"]!.GetValue<string>(), ended["reason"]?.GetValue<string>());
        (record.SettledAt, record.Settled) = (DateTimeOffset.UtcNow, watch.Elapsed);
        if (record.IsRefused)
            Interlocked.Increment(ref _refused);
    }

    private Task DecidedAsync(Task watching)
    {
        _pending.Remove(watching);
        return watching; // with its failure, if it has one
    }

    private Task<Answer> PayAsync(Wish wish, long account, Money amount) => SendAsync(new RecordedRequest
    {
        Wish = wish,
        Username = username,
        Path = string.Create(CultureInfo.InvariantCulture, $"/accounts/{account}/{(wish == Wish.Deposit ? "deposit" : "withdrawal")}"),
        Body = PaymentBody(amount),
        Account = account,
        Amount = amount,
    });

    private async Task<Answer> SendAsync(RecordedRequest record)
    {
        // Before it is sent: whatever becomes of it, it was asked for.
        _records.Add(record);
        var answer = await PostAsync(record, record.Body, record.Unanswered);
        record.Answer = answer;
        Interlocked.Increment(ref _answered);
        if (answer.IsAccepted)
            Interlocked.Increment(ref _accepted);
        if (record.IsRefused)
            Interlocked.Increment(ref _refused);
        return answer;
    }

    private Task<Answer> PostAsync(RecordedRequest record, string body, ICollection<string> unanswered) => _http.PostAsync(
        record.Wish switch
        {
            Wish.Opening => bank.Users,
            Wish.Transfer => bank.Transactions,
            _ => bank.Accounts,
        },
        record.Path,
        body,
        record.Key,
        unanswered);

    private async Task<JsonNode> PollAsync(IReadOnlyList<RestartableProcess> instances, string path, Func<JsonNode, bool> done)
    {
        var pauses = new GrowingPause(TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(800));
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < Patience;)
        {
            await pauses.WaitAsync(); // hardly anything is decided at once
            var answer = await _http.GetAsync(instances, path);
            if (answer.Status != 200)
                throw new InvalidOperationException($"GET {path}: {answer}");
            var body = JsonNode.Parse(answer.Body)!;
            if (done(body))
                return body;
        }

        throw new TimeoutException($"GET {path}: it was not decided within {Patience}.");
    }

    private static JsonNode Field(Answer answer, string name) =>
        answer.IsAccepted && JsonNode.Parse(answer.Body)![name] is { } value ? value : throw new InvalidOperationException($"An answer without {name}: {answer}");

    private static string PaymentBody(Money amount) => new JsonObject { ["amount"] = amount.ToString() }.ToJsonString();

    private static string TransferBody(long from, long to, Money amount) =>
        new JsonObject { ["from_account_id"] = from, ["to_account_id"] = to, ["amount"] = amount.ToString() }.ToJsonString();
}
