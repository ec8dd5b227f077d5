using System.Net;
using Bank.Contracts;
using Sequent.Client;

namespace Demo;

/// <summary>Where the bank is, wherever it runs.</summary>
internal sealed record BankAddresses(Uri Bus, Uri Users, Uri Accounts, Uri Transactions)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>A client of the bus that knows the bank's events and reads the log beside the services.</summary>
    public SequentClient CreateBusClient()
    {
        var options = new SequentOptions { Server = Bus };
        BankJson.Use(options);
        return new SequentClient(options);
    }

    /// <summary>Waits until every service has read the log and is registered.</summary>
    public async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient { Timeout = Patience };
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        foreach (var service in new[] { Users, Accounts, Transactions })
        {
            while (true)
            {
                using var answer = await http.GetAsync(new Uri(service, "/health/ready"), limit.Token);
                if (answer.StatusCode == HttpStatusCode.OK)
                    break;
                await Task.Delay(Pause, limit.Token);
            }
        }
    }
}
