using System.Net;
using Bank.Contracts;
using Bank.Web.Api;
using Sequent.Client;

namespace Demo;

/// <summary>Where the bank is, wherever it runs.</summary>
internal sealed record BankAddresses(Uri Bus, ServiceAddresses Services, Uri Page)
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

    /// <summary>Waits until every service has read the log and is registered, and the page answers.</summary>
    public async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient { Timeout = Patience };
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        foreach (var service in new[] { Services.Users, Services.Accounts, Services.Transactions, Page })
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
