from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.MaxPool2d(4))
        self.classifier = nn.Linear(1024, 10)

    def forward(self, x):
        x = self.features(x)
        return self.classifier(x.view(-1, 1024))
