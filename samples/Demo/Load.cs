using System.Collections.Concurrent;
using Bank.Contracts;
using Bank.Web.Api;
using Sequent.Client;

namespace Demo;

/// <summary>
/// Simulated customers who keep moving money, so that there is something to see: each sends small amounts to any account of the bank, also to those
/// of people who look on. Whatever does not answer is tried again later.
/// </summary>
internal sealed class Load(BankAddresses bank)
{
    public const int Most = 100;

    private const int MostPause = 3_000; // ms
    private static readonly Money Salary = new(500_00);
    private static readonly Money Poor = new(50_00);
    private const long MostCents = 40_00;

    private readonly ConcurrentDictionary<int, long> _accounts = new();

    /// <summary>Runs until it is cancelled, or until something fails that is not the bank being away.</summary>
    public async Task RunAsync(int customers, CancellationToken cancellationToken)
    {
        var all = Enumerable.Range(1, customers).Select(number => LiveAsync($"customer-{number}", cancellationToken));
        await foreach (var ended in Task.WhenEach(all.Append(LearnAccountsAsync(cancellationToken))))
            await ended;
    }

    /// <summary>Whom one can send money to: every account in the log, and every one that comes.</summary>
    private async Task LearnAccountsAsync(CancellationToken cancellationToken)
    {
        await using var bus = bank.CreateBusClient();
        await foreach (var item in bus.FollowAsync(new EventQuery { Types = [nameof(AccountCreated)] }, cancellationToken))
        {
            if (item is not EventPage page)
                continue;
            foreach (var created in page.Events.Select(e => e.Data).OfType<AccountCreated>())
                _accounts[_accounts.Count] = created.AccountID;
        }
    }

    private async Task LiveAsync(string name, CancellationToken cancellationToken)
    {
        using var customer = new BankCustomer(bank, name);
        long? account = null;
        while (true)
        {
            try
            {
                account ??= await ArriveAsync(customer, cancellationToken);
                await SpendAsync(customer, account.Value, cancellationToken);
            }
            catch (BankException e)
            {
                if (e.IsSignedOut)
                    account = null; // a session lasts eight hours
            }
            catch (DemoFailedException)
            {
                // It takes longer than customers wait, such as while a service is stopped.
            }

            await Task.Delay(Random.Shared.Next(MostPause), cancellationToken);
        }
    }

    private static async Task<long> ArriveAsync(BankCustomer customer, CancellationToken cancellationToken)
    {
        await customer.SignInAsync(cancellationToken);
        var accounts = await customer.AccountsAsync(cancellationToken);
        return accounts.Count > 0 ? accounts[0] : await customer.OpenAccountAsync(cancellationToken);
    }

    private async Task SpendAsync(BankCustomer customer, long account, CancellationToken cancellationToken)
    {
        if (await customer.BalanceAsync(account, cancellationToken) < Poor)
            await customer.DepositAsync(account, Salary, cancellationToken);
        if (!_accounts.IsEmpty && _accounts.TryGetValue(Random.Shared.Next(_accounts.Count), out var to) && to != account)
            await customer.TransferAsync(account, to, new Money(Random.Shared.NextInt64(1, MostCents)), cancellationToken);
    }
}
